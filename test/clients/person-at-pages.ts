/** A person at the control plane's pages, in headless Chromium: what they click, and whatever the pages complain of. */

import { chromium as launcher, type Browser, type Page } from "playwright-core";
import { chromium } from "./browser-build.ts";

/** Milliseconds for a click that leads somewhere, on a busy machine. */
const TIMEOUT_MS = 30_000;

export class PersonAtPages {
  readonly #browser: Browser;
  readonly #page: Page;
  /** What was logged in the console, blocked or thrown. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
    page.setDefaultTimeout(TIMEOUT_MS);
    page.on("console", (message) => this.complaints.push(message.text()));
    page.on("pageerror", (error) => this.complaints.push(error.message));
  }

  /** Whoever opens one closes it. */
  static async open(): Promise<PersonAtPages> {
    const executablePath = chromium();
    if (executablePath === null) throw new Error("there is no Chromium here");
    const browser = await launcher.launch({ executablePath, args: ["--no-sandbox"] });
    return new PersonAtPages(browser, await browser.newPage());
  }

  async go(url: string): Promise<void> {
    await this.#page.goto(url);
  }

  /** Presses the button with that text. */
  async press(text: string): Promise<void> {
    await this.#page.getByRole("button", { name: text, exact: true }).click();
  }

  /** Signs in with that login at the pages of the OpenID provider, and says yes to it. */
  async signInAtProvider(login: string): Promise<void> {
    await this.#page.locator("input[name=login]").fill(login);
    await this.#page.locator("input[name=password]").fill("x");
    await this.#page.locator("button[type=submit]").click();
    await this.#page.locator("input[name=prompt][value=consent]").waitFor({ state: "attached" });
    await this.#page.locator("button[type=submit]").click();
  }

  /** Waits until the page's heading is that. */
  async sees(heading: string): Promise<void> {
    await this.#page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  }

  /** What stands in the page, and the page's address. */
  async shown(): Promise<{ readonly text: string; readonly url: string }> {
    return { text: await this.#page.innerText("main"), url: this.#page.url() };
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
