/** What a bucket of people holds: sessions [H30], one-time links [H31], and where a person may be. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { peopleBucket, peopleBucketNumber, type Directory, type SignInProof } from "../../../src/durable/index.ts";
import { SESSION_IDLE_MS, SESSION_MS } from "../../../src/durable/directory/person-sessions.ts";
import { SIGN_IN_LINK_MS } from "../../../src/durable/directory/sign-in-links.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { dump } from "../../support/workerd/control.ts";
import { randomBytes } from "../../support/workerd/signed-request.ts";

const HOUR = 60 * 60 * 1000;

function bucketOf(login: string): DurableObjectStub<Directory> {
  return env.DIRECTORY.get(env.DIRECTORY.idFromName(peopleBucket(peopleBucketNumber(login))));
}

/** A person that no other test knows. */
function newPerson(): { login: string; people: DurableObjectStub<Directory>; proof: SignInProof } {
  const login = `p${encodeHex(randomBytes(6))}@people.test`;
  return { login, people: bucketOf(login), proof: { kind: "oidc", login, issuer: "https://id.test", subject: "s" } };
}

const newHash = (): Uint8Array => randomBytes(32);

describe("sessions of people [H30]", () => {
  test("are found by their secret alone, and end when they are closed", async () => {
    const { people, proof } = newPerson();
    const [hash, other] = [newHash(), newHash()];
    await people.openSession(hash, proof);
    await people.openSession(other, proof);
    expect(await people.session(hash)).toMatchObject({ proof });
    expect(await people.session(newHash())).toBeNull();
    await people.closeSession(hash, false);
    expect(await people.session(hash)).toBeNull();
    expect(await people.session(other)).toMatchObject({ proof });
  });

  test("end together where their person signs out everywhere, and nobody else's do", async () => {
    const [one, two] = [newPerson(), newPerson()];
    const [a, b, c] = [newHash(), newHash(), newHash()];
    await one.people.openSession(a, one.proof);
    await one.people.openSession(b, { kind: "link", login: one.login.toUpperCase(), user: "u" });
    // In the same bucket, whoever they are.
    await one.people.openSession(c, two.proof);
    await one.people.closeSession(a, true);
    expect([await one.people.session(a), await one.people.session(b)]).toEqual([null, null]);
    expect(await one.people.session(c)).toMatchObject({ proof: two.proof });
  });

  test("end 12 hours after they were last used", async () => {
    const { people, proof } = newPerson();
    const hash = newHash();
    await people.openSession(hash, proof);
    await later(SESSION_IDLE_MS - HOUR, async () => {
      expect(await people.session(hash)).not.toBeNull();
    });
    await later(2 * SESSION_IDLE_MS - 2 * HOUR, async () => {
      expect(await people.session(hash)).not.toBeNull();
    });
    await later(4 * SESSION_IDLE_MS, async () => {
      expect(await people.session(hash)).toBeNull();
    });
  });

  test("end after seven days, however often they are used", async () => {
    const { people, proof } = newPerson();
    const hash = newHash();
    await people.openSession(hash, proof);
    for (let at = SESSION_IDLE_MS - HOUR; at < SESSION_MS; at += SESSION_IDLE_MS - HOUR)
      await later(at, async () => {
        expect(await people.session(hash)).not.toBeNull();
      });
    await later(SESSION_MS + 1, async () => {
      expect(await people.session(hash)).toBeNull();
    });
  });

  test("are so many for one person and no more: the one that would end first goes", async () => {
    const { people, proof } = newPerson();
    const hashes = Array.from({ length: 51 }, newHash);
    for (const [at, hash] of hashes.entries()) await later(at, () => people.openSession(hash, proof));
    const found = await Promise.all(hashes.map((hash) => people.session(hash)));
    expect(found.map((session) => session !== null)).toEqual([false, ...Array<boolean>(50).fill(true)]);
  });

  test("that have ended leave nothing behind", async () => {
    const { people, proof, login } = newPerson();
    await people.openSession(newHash(), proof);
    await later(SESSION_MS + 1, () => people.openSession(newHash(), newPerson().proof));
    const rows = await runInDurableObject(people, (_, state) => dump(state)["person_sessions"] ?? []);
    expect(rows.filter((row) => row.includes(login))).toEqual([]);
  });
});

describe("one-time links [H31]", () => {
  test("open one session, once", async () => {
    const { people, login } = newPerson();
    const [hash, session] = [newHash(), newHash()];
    const proof = { kind: "link", login, user: "u0000000000T0000000000" } as const;
    const expires = await people.keepLink(hash, proof);
    expect(expires - Date.now()).toBeGreaterThan(SIGN_IN_LINK_MS - HOUR);
    expect(await people.link(hash)).toEqual(proof);
    expect(await people.spendLink(hash, session)).toEqual({ ok: true, value: proof });
    expect(await people.session(session)).toMatchObject({ proof });
    expect(await people.link(hash)).toBeNull();
    const again = newHash();
    expect(await people.spendLink(hash, again)).toMatchObject({ ok: false, error: { code: "forbidden" } });
    expect(await people.session(again)).toBeNull();
  });

  test("are over after ten minutes", async () => {
    const { people, login } = newPerson();
    const hash = newHash();
    await people.keepLink(hash, { kind: "link", login, user: "u" });
    await later(SIGN_IN_LINK_MS + 1, async () => {
      expect(await people.link(hash)).toBeNull();
      expect(await people.spendLink(hash, newHash())).toMatchObject({ ok: false, error: { code: "forbidden" } });
    });
  });

  test("are so many for one person and no more", async () => {
    const { people, login } = newPerson();
    const hashes = Array.from({ length: 11 }, newHash);
    for (const [at, hash] of hashes.entries())
      await later(at, () => people.keepLink(hash, { kind: "link", login, user: "u" }));
    const found = await Promise.all(hashes.map((hash) => people.link(hash)));
    expect(found.map((link) => link !== null)).toEqual([false, ...Array<boolean>(10).fill(true)]);
  });
});

describe("where a person may be", () => {
  test("is told whatever the case of the login, and forgotten", async () => {
    const { people, login } = newPerson();
    for (const tailnet of ["T0000000002", "T0000000001", "T0000000002"]) await people.enrol(login, tailnet);
    expect(bucketOf(login.toUpperCase()).id.equals(people.id)).toBe(true);
    expect(await people.tailnetsOf(login.toUpperCase())).toEqual(["T0000000001", "T0000000002"]);
    await people.withdraw(login.toUpperCase(), "T0000000001");
    expect(await people.tailnetsOf(login)).toEqual(["T0000000002"]);
    expect(await people.tailnetsOf(newPerson().login)).toEqual([]);
  });
});
