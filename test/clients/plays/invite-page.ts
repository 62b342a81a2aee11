/** Somebody comes by an invite, in a real browser and by a real OpenID provider, waits for approval, and signs in. The control plane is one that asks the provider. */

import { ControlPlane } from "../../e2e/control-plane.ts";
import { freePort } from "../../support/free-port.ts";
import { CLIENT_ID, CLIENT_SECRET } from "../../support/identity-client.ts";
import { IdentityProvider } from "../../support/identity-provider.ts";
import type { Play } from "../play.ts";
import { PersonAtPages } from "../person-at-pages.ts";
import type { Scene } from "../scene.ts";

const LOGIN = "erin@people.test";

/** A control plane and its provider, each of which has to know where the other is. */
async function openControl(scene: Scene): Promise<ControlPlane> {
  const port = await freePort();
  const variables = {
    OIDC_ISSUER: `http://127.0.0.1:${port}`,
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
  };
  const control = await ControlPlane.start(`${scene.folder}/people`, variables, { log: `${scene.folder}/people.log` });
  scene.atEnd(() => control.stop());
  const provider = await IdentityProvider.start(new URL("/sign-in/callback", control.url).href, undefined, port);
  scene.atEnd(() => {
    provider.close();
    return Promise.resolve();
  });
  return control;
}

async function inviteTo(control: ControlPlane, tailnet: string, wanted: object): Promise<string> {
  const made = await control.call<{ inviteUrl: string }[]>("POST", `/api/v2/tailnet/${tailnet}/user-invites`, [wanted]);
  return made[0]?.inviteUrl ?? "";
}

async function userId(control: ControlPlane, tailnet: string, status: string): Promise<string> {
  const { users } = await control.call<{ users: { id: string; loginName: string; status: string }[] }>(
    "GET",
    `/api/v2/tailnet/${tailnet}/users`,
  );
  return users.find((user) => user.loginName === LOGIN && user.status === status)?.id ?? "";
}

const play: Play = {
  title: "somebody comes by an invite, waits for approval, and signs in",
  columns: [{ title: "v1.104.5", versions: ["v1.104.5"], trouble: "none" }],
  async run(scene) {
    const control = await openControl(scene);
    const [first, second] = [await control.createTailnet("people.test"), await control.createTailnet("more.test")];
    await control.call("PATCH", `/api/v2/tailnet/${first.id}/settings`, { usersApprovalOn: true });
    const person = await PersonAtPages.open();
    scene.atEnd(() => person.close());

    const url = await inviteTo(control, first.id, { role: "auditor", email: LOGIN });
    await person.go(url);
    await scene.soon("the invite is shown", async () => (await person.shown()).text.includes("people.test"));
    const { text, url: shown } = await person.shown();
    scene.expect("with the role and whose it is", text.includes("auditor") && text.includes(LOGIN), text);
    scene.expect("the invite's secret leaves the address bar", !shown.includes("#"), shown);
    await person.press("Sign in and accept");
    await person.signInAtProvider(LOGIN);
    await person.sees("You wait for approval");
    const id = await userId(control, first.id, "needs-approval");
    scene.expect("the person waits", id !== "");
    await control.call("POST", `/api/v2/users/${id}/approve`, {});

    await person.go(await inviteTo(control, second.id, {}));
    await person.press("Sign in and accept");
    await person.sees("Your tailnets");
    const both = await person.shown();
    scene.expect("both tailnets", both.text.includes("people.test") && both.text.includes("more.test"), both.text);

    await person.go(url);
    await person.press(`Accept as ${LOGIN}`);
    await person.sees("Your tailnets");
    await person.go(`${url.slice(0, -1)}${url.endsWith("0") ? "1" : "0"}`);
    await scene.soon("one whose secret is wrong is none", async () =>
      (await person.shown()).text.includes("This invite is not valid"),
    );
    // The refusal of the last one; the provider's own pages complain of themselves.
    const own = person.complaints.filter((each) => /Content Security Policy|Error: /.test(each));
    scene.expect("the pages complain of nothing", own.length === 0, own.join("\n"));
  },
};

export default play;
