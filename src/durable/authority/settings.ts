/** The part of a tailnet's object that is what admins set for the whole of it: each method is one act, as in TailnetAuthority. */

import type { Failure, PreviewFor, PreviewMatch } from "../../policy/index.ts";
import type { Outcome } from "../../protocol/index.ts";
import { changeContact, contactsOf, type ContactKind, type Contacts } from "../settings/contacts.ts";
import { changeDns, type DnsPatch } from "../settings/dns-acts.ts";
import type { DnsSettings } from "../settings/dns-settings.ts";
import type { By } from "../audit/events.ts";
import { LockAuthority } from "./lock.ts";
import { checkPolicy, previewOf, setPolicy } from "../settings/policy-acts.ts";
import type { PolicyFile } from "../settings/policy-files.ts";
import { changeSettings, type Settings, type SettingsPatch } from "../settings/settings.ts";

export class SettingsAuthority extends LockAuthority {
  settings(): Promise<Outcome<Settings>> {
    return this.acts.living((tailnet) => tailnet.settings);
  }

  changeSettings(by: By, patch: SettingsPatch): Promise<Outcome<Settings>> {
    return this.acts.living((tailnet, now) => changeSettings(tailnet, by, patch, now));
  }

  policyFile(): Promise<Outcome<PolicyFile>> {
    return this.acts.living((tailnet) => tailnet.policies.current());
  }

  /** Puts a policy file in force, in the place of the one with the ETag `match`, or null for whichever. */
  setPolicyFile(by: By, text: string, match: string | null): Promise<Outcome<PolicyFile>> {
    return this.acts.living((tailnet, now) => setPolicy(tailnet, by, text, match, now));
  }

  /** The tests of a policy file that fail. Refuses with `bad_policy`. */
  checkPolicyFile(text: string): Promise<Outcome<readonly Failure[]>> {
    return this.acts.living((tailnet) => checkPolicy(tailnet, text));
  }

  /** The entries of a policy file that are about somebody, or an address and a port. Refuses with `bad_policy`. */
  previewPolicyFile(text: string, wanted: PreviewFor): Promise<Outcome<readonly PreviewMatch[]>> {
    return this.acts.living((tailnet) => previewOf(tailnet, text, wanted));
  }

  contacts(): Promise<Outcome<Contacts>> {
    return this.acts.living(contactsOf);
  }

  changeContact(by: By, kind: ContactKind, address: string): Promise<Outcome<Contacts>> {
    return this.acts.living((tailnet, now) => changeContact(tailnet, by, kind, address, now));
  }

  /** Changes what nodes resolve names by. */
  changeDns(by: By, patch: DnsPatch): Promise<Outcome<DnsSettings>> {
    return this.acts.living((tailnet, now) => changeDns(tailnet, by, patch, now));
  }
}
