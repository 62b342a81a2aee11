/**
 * `npm run bench -- bill`: the bill at list price, worked out from the counts in bill/counted.ts, which `npm run bench -- counts` takes anew; and
 * the arithmetic that was done on paper before, by the same prices. The tables of docs/scale.md are these.
 */

import { BASE_FEE, BILLED, PRICES, costs, total, type Usage } from "./bill/prices.ts";
import {
  BUSY,
  FLEETS,
  IDLE,
  alarmEach,
  monthOf,
  nothingHibernates,
  plainPolls,
  type Pace,
  type Way,
} from "./bill/scenarios.ts";

const WAYS: readonly Way[] = ["sockets", "streams", "clients", "clients, awake"];

const dollars = (value: number): string => value.toFixed(value < 10 ? 2 : 0);

/** The largest parts of a bill, in words. */
function parts(usage: Usage): string {
  const by = Object.entries(costs(usage)).filter(([, cost]) => cost >= 0.005);
  const largest = by.sort(([, a], [, b]) => b - a).slice(0, 3);
  return largest.map(([what, cost]) => `${PRICES[what as keyof typeof PRICES].title} ${dollars(cost)}`).join(", ");
}

function bills(way: Way, pace: Pace): string[] {
  return FLEETS.map((fleet) => {
    const usage = monthOf(fleet, way, pace);
    return `| ${fleet.title} | ${way} | ${pace.title} | ${dollars(total(usage))} | ${parts(usage) || "all included"} |`;
  });
}

function quantities(way: Way, pace: Pace): string[] {
  const short = (value: number): string => (value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value.toFixed(0));
  return FLEETS.map((fleet) => {
    const usage = monthOf(fleet, way, pace);
    return `| ${fleet.title}, ${way}, ${pace.title} | ${BILLED.map((what) => short(usage[what])).join(" | ")} |`;
  });
}

function onPaper(): string[] {
  const [, thousand, , small] = FLEETS;
  if (thousand === undefined || small === undefined) return [];
  const rows: readonly (readonly [string, Usage])[] = [
    ["1,000 nodes on hibernating sockets", monthOf(thousand, "sockets", IDLE)],
    ["1,000 Tailscale clients on hibernating connections", monthOf(thousand, "clients", IDLE)],
    [
      "1,000 Tailscale clients, were their connections to keep the objects awake",
      monthOf(thousand, "clients, awake", IDLE),
    ],
    ["1,000 nodes that poll by a request every 50 s", plainPolls(thousand, 50)],
    ["1,000 nodes on streams", monthOf(thousand, "streams", IDLE)],
    ["10,000 tailnets of 10 on shared objects", monthOf(small, "sockets", IDLE)],
    ["10,000 tailnets, an object each, an alarm a minute: the alarms", alarmEach(small)],
    ["10,000 tailnets, an object each, and nothing hibernates", nothingHibernates(small)],
  ];
  return rows.map(([title, usage]) => `| ${title} | ${dollars(total(usage))} | ${parts(usage) || "all included"} |`);
}

export function printBill(): void {
  console.log(`US dollars a month beyond the base fee of ${BASE_FEE}\n`);
  console.log("| fleet | way | pace | USD | the largest parts |\n|---|---|---|---:|---|");
  for (const pace of [IDLE, BUSY]) for (const way of WAYS) console.log(bills(way, pace).join("\n"));
  console.log(
    `\n| fleet | ${BILLED.map((what) => PRICES[what].title).join(" | ")} |\n|---|${"---:|".repeat(BILLED.length)}`,
  );
  for (const pace of [IDLE, BUSY]) for (const way of WAYS) console.log(quantities(way, pace).join("\n"));
  console.log("\n| on paper | USD | the largest parts |\n|---|---:|---|");
  console.log(onPaper().join("\n"));
}
