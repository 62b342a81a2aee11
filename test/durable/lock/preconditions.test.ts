/** What must hold before the lock is turned on [I9][I10][I11]. */

import { describe, expect, test } from "vitest";
import { emptyResponse } from "../../../src/protocol/index.ts";
import { encodeAum } from "../../../src/tka/index.ts";
import { LOCK_CAPABILITY_VERSION } from "../../../src/durable/lock/preconditions.ts";
import { admin, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import {
  begin,
  finish,
  lockedScene,
  newGenesis,
  newSecrets,
  signaturesFor,
  unlockedScene,
} from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { TestNode, accepted, type Answer } from "../../support/workerd/test-node.ts";

function set(tailnet: string, patch: object): Promise<Answer> {
  return admin("PATCH", `/api/v2/tailnet/${tailnet}/settings`, patch);
}

describe("the lock and device approval", () => {
  test("exclude each other: no init while approval is on, and no finish where it was turned on in between [I9]", async () => {
    const { tailnet, alice, genesis } = await unlockedScene();
    await set(tailnet, { devicesApprovalOn: true });
    refused(await alice.tka("initBegin", { GenesisAUM: encodeAum(genesis) }), "device_approval_on");
    await set(tailnet, { devicesApprovalOn: false });
    const begun = await begin(alice, genesis);
    await set(tailnet, { devicesApprovalOn: true });
    refused(await finish(alice, signaturesFor(begun, alice.lockKey)), "device_approval_on");
    await set(tailnet, { devicesApprovalOn: false });
    accepted(await finish(alice, signaturesFor(begun, alice.lockKey)), emptyResponse);
  });

  test("exclude each other: no approval while the lock is on [I9]", async () => {
    const { tailnet, alice } = await lockedScene();
    const refusal = refused(await set(tailnet, { devicesApprovalOn: true }), "lock_enabled");
    expect(refusal.head).toBe((await alice.map()).TKAInfo?.Head);
    expect((await set(tailnet, { devicesApprovalOn: false })).status).toBe(200);
  });
});

describe("clients that are too old [I10]", () => {
  test.each([
    ["by capability version", { Version: LOCK_CAPABILITY_VERSION - 1 }, {}],
    ["by their own version", {}, { IPNVersion: "1.46.0-t1234567" }],
  ])("are named, %s, unless a setting allows them", async (_, fields, host) => {
    const { tailnet, alice, genesis } = await unlockedScene();
    const old = new TestNode("dusty");
    const Hostinfo = { Hostname: "dusty", OS: "linux", IPNVersion: "1.44.0", ...host };
    await old.register(await makeAuthKey(tailnet), { ...fields, Hostinfo });
    const attempt = (): Promise<Answer> => alice.tka("initBegin", { GenesisAUM: encodeAum(genesis) });
    const refusal = refused(await attempt(), "old_clients");
    expect(refusal.message).toContain("dusty;");
    await set(tailnet, { lockAllowsOldClients: true });
    expect((await attempt()).status).toBe(200);
    await set(tailnet, { lockAllowsOldClients: false });
    refused(await attempt(), "old_clients");
    await old.poll({ Hostinfo: { ...Hostinfo, IPNVersion: "1.46.1" } });
    expect((await attempt()).status).toBe(200);
  });

  test("are not those of the oldest version that will do", async () => {
    const { tailnet, alice, genesis } = await unlockedScene();
    await new TestNode("x").register(await makeAuthKey(tailnet), { Version: LOCK_CAPABILITY_VERSION });
    expect((await alice.tka("initBegin", { GenesisAUM: encodeAum(genesis) })).status).toBe(200);
  });

  test("came by themselves in between: the finish is refused", async () => {
    const { tailnet, alice, genesis } = await unlockedScene();
    const begun = await begin(alice, genesis);
    await new TestNode("dusty").register(await makeAuthKey(tailnet), { Version: 60 });
    refused(await finish(alice, signaturesFor(begun, alice.lockKey)), "old_clients");
  });
});

describe("signing nodes", () => {
  test("are not Android's [I11], which may be signed all the same", async () => {
    const { tailnet, alice, genesis } = await unlockedScene();
    const phone = new TestNode("phone");
    await phone.register(await makeAuthKey(tailnet), { Hostinfo: { Hostname: "phone", OS: "android" } });
    const { values } = newSecrets();
    const refusal = refused(
      await alice.tka("initBegin", { GenesisAUM: encodeAum(newGenesis([alice, phone], values)) }),
      "android_signer",
    );
    expect(refusal.message).toContain("phone");
    const begun = await begin(alice, genesis);
    expect(begun.NeedSignatures.map(({ NodePublic }) => NodePublic)).toContain(phone.nodeKey);
    accepted(await finish(alice, signaturesFor(begun, alice.lockKey)), emptyResponse);
  });

  test("may be one alone", async () => {
    const tailnet = await makeTailnet();
    const alice = new TestNode("alice");
    await alice.register(await makeAuthKey(tailnet));
    const begun = await begin(alice, newGenesis([alice], newSecrets(1).values));
    accepted(await finish(alice, signaturesFor(begun, alice.lockKey)), emptyResponse);
  });
});
