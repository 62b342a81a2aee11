/**
 * The script of an invite's page: the invite stands in the address's fragment, which no request carries. It is looked at and accepted in the bodies of
 * requests, and what comes of that is set as text.
 */

export const INVITE_SCRIPT = `
const at = (id) => document.getElementById(id);
const form = at("invite");
let invite = "";
async function ask(what) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch("/invite/" + what, { method: "POST", headers, body: JSON.stringify({ invite }) });
  const json = await answer.json();
  if (answer.ok) return json;
  throw new Error(json.message.slice(0, 1).toUpperCase() + json.message.slice(1) + ".");
}
function why(error) {
  return error instanceof TypeError ? "The control plane cannot be reached: try again." : error.message;
}
function show({ tailnet, role, email, expires, login }) {
  at("tailnet").textContent = tailnet;
  at("role").textContent = role;
  at("email").textContent = email;
  at("email-row").hidden = email === "";
  at("expires").textContent = expires.slice(0, 16).replace("T", " ") + " UTC";
  if (at("accept") !== null) {
    at("person").textContent = login === "" ? "" : "You are signed in as " + login + ". To accept it as somebody else, sign out first, and open the invite again.";
    at("accept").textContent = login === "" ? "Sign in and accept" : "Accept as " + login;
  }
  at("none").hidden = true;
  form.hidden = false;
}
async function look() {
  if (location.hash.length < 2) return;
  invite = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  form.hidden = true;
  at("none").hidden = false;
  try {
    show(await ask("look"));
  } catch (error) {
    at("none").textContent = why(error);
  }
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (at("accept") === null) return;
  at("said").textContent = "";
  at("accept").disabled = true;
  try {
    const { next } = await ask("accept");
    location.assign(next);
  } catch (error) {
    at("said").textContent = why(error);
    at("accept").disabled = false;
  }
});
addEventListener("hashchange", look);
look();
`;
