/** The style of the pages: one column, the reader's own fonts, light or dark as they have it. */

export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5a6675; --line: #d9dee5; --paper: #ffffff; --ground: #f3f5f8; --mark: #1f5fbf; --on: #ffffff; --bad: #a4262c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #333d4a; --paper: #1a2129; --ground: #11161c; --mark: #7fb0ff; --on: #0d1420; --bad: #ff9a9a; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header { max-width: 38rem; margin: 0 auto; padding: 2rem calc(1.75rem + 1px) .75rem; color: var(--soft); font-weight: 600; letter-spacing: .02em; }
main { max-width: 38rem; margin: 0 auto 3rem; padding: 1.5rem 1.75rem 1.75rem; background: var(--paper); border: 1px solid var(--line); border-radius: 12px; }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.25; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1rem; }
p { margin: .6rem 0; }
a { color: var(--mark); }
dl { margin: 1rem 0; border-top: 1px solid var(--line); }
dl div { display: grid; grid-template-columns: 8.5rem 1fr; gap: .25rem 1rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: .9em/1.5 ui-monospace, monospace; }
pre { margin: .6rem 0; padding: .6rem .8rem; background: var(--ground); border: 1px solid var(--line); border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
form { margin: 1rem 0 0; }
fieldset { margin: 1rem 0; padding: .5rem 1rem .75rem; border: 1px solid var(--line); border-radius: 8px; }
legend { padding: 0 .4rem; color: var(--soft); }
label { display: block; padding: .2rem 0; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin-top: 1.25rem; }
.row form { margin: 0; }
button, .button { display: inline-block; padding: .55rem 1.1rem; border: 1px solid var(--mark); border-radius: 8px; background: var(--mark); color: var(--on); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
button.quiet { background: transparent; color: var(--mark); }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
[hidden] { display: none; }
.soft { color: var(--soft); }
.bad { color: var(--bad); }
@media (max-width: 30rem) { main { border-radius: 0; border-width: 1px 0; } dl div { grid-template-columns: 1fr; } }
`;
