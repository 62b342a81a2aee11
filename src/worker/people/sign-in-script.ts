/**
 * The one script of the pages: a one-time link's secret stands in the address's fragment, which no request carries; a page alone can read it. It signs in
 * once its person says so, since whoever made the link might have sent it to another.
 */

export const LINK_SCRIPT = `
const form = document.getElementById("link");
const said = document.getElementById("said");
let secret = "";
function look() {
  if (location.hash.length < 2) return;
  secret = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  said.textContent = "";
  document.getElementById("rest").hidden = true;
  form.hidden = false;
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  said.textContent = "";
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/sign-in/link", { method: "POST", headers, body: JSON.stringify({ secret }) });
    if (answer.ok) return location.replace(form.dataset.back);
    const { message } = await answer.json();
    said.textContent = message.slice(0, 1).toUpperCase() + message.slice(1) + ".";
  } catch {
    said.textContent = "The control plane cannot be reached: try again.";
  }
});
addEventListener("hashchange", look);
look();
`;
