/** What a deployment costs, in words. The figures are those of docs/scale.md, which says how they were counted. */

export const COST = `What it costs (US dollars a month, Cloudflare's list prices of 2026-11-25):
  5            Workers Paid, which it needs: the free plan ends a request after 10 ms of processor time, and proving a disablement
               secret takes some 60
  0            on top, for up to 1,000 nodes or so: everything is within what the plan includes
  60 to 125    on top, for 100,000 nodes that are busy, in one tailnet or in thousands
Agents that hold streams instead of sockets, and logs beyond 20 million lines, cost more: docs/scale.md has the table.`;
