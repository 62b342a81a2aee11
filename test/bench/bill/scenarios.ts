/** Months of tailnets, from what their acts take. */

import { COUNTED, STREAM_COMPARE_S } from "./counted.ts";
import { usageOf, type Act } from "./act.ts";
import { NOTHING, OBJECT_GB, plus, timesOf, type Usage } from "./prices.ts";

const DAYS = 30;
const MONTH_S = DAYS * 24 * 60 * 60;
/** Seconds between two alarms of an object that holds sockets, and tailnets that one compares at once: src/durable/sessions/node-sessions.ts. */
const ALARM_S = 5 * 60;
/** Seconds between two keep-alives of clients' map streams, and clients whose alarm was counted. */
const KEEP_ALIVE_S = 50;
const COUNTED_CLIENTS = 100;
const COMPARED_AT_ONCE = 50;
const MOST_TURNS = 12;
/** Objects that small tailnets share, and the size from which a tailnet has its own: src/durable/seating/layout.ts. */
const SHARED = 16;
const OWN_FROM = 300;
const NODES_A_SHARD = 1000;

/** How nodes wait: agents on sockets or streams; Tailscale's clients by connections, which hibernate, or, for comparison, do not. */
export type Way = "sockets" | "streams" | "clients" | "clients, awake";

/** What happens: each a number for one node, or one tailnet, and a day. */
export interface Pace {
  readonly title: string;
  /** Times that a node's connection breaks and it comes back: a laptop that sleeps, a network that changes, a deployment. */
  readonly returns: number;
  /** Nodes that join and are signed, for each node that there is. */
  readonly joins: number;
  /** Changes of the lock, for a tailnet; every node takes each of them. */
  readonly changes: number;
}

export const IDLE: Pace = { title: "idle", returns: 2, joins: 0, changes: 0 };
/** A hundredth of the nodes is new each day, and the lock changes every day. */
export const BUSY: Pace = { title: "busy", returns: 10, joins: 0.01, changes: 1 };

export interface Fleet {
  readonly title: string;
  readonly tailnets: number;
  /** Nodes of each. */
  readonly nodes: number;
}

export const FLEETS: readonly Fleet[] = [
  { title: "one tailnet of 100", tailnets: 1, nodes: 100 },
  { title: "one tailnet of 1,000", tailnets: 1, nodes: 1000 },
  { title: "one tailnet of 100,000", tailnets: 1, nodes: 100_000 },
  { title: "10,000 tailnets of 10", tailnets: 10_000, nodes: 10 },
];

/** Objects that hold one tailnet's sessions. */
function shardsOf(nodes: number): number {
  return nodes <= OWN_FROM ? 1 : 2 ** Math.ceil(Math.log2(Math.max(1, nodes / NODES_A_SHARD)));
}

/** Objects that hold sessions, of all tailnets together. */
export function objectsOf({ tailnets, nodes }: Fleet): number {
  return nodes <= OWN_FROM ? Math.min(tailnets, SHARED) : tailnets * shardsOf(nodes);
}

/** What each further shard adds to something that is told: two calls of it, and one of the authority. */
const FURTHER_SHARD: Act = {
  ...zero(),
  objectRequests: 3,
  rowsRead: COUNTED.socketsAlarm.rowsRead,
  cpuMs: 3,
};

function zero(): Act {
  return {
    requests: 0,
    consumers: 0,
    objectRequests: 0,
    socketMessages: 0,
    rowsRead: 0,
    rowsWritten: 0,
    queueMessages: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    cpuMs: 0,
    awakeMs: 0,
  };
}

/** An authority's alarm half a minute after an act: where acts come seldom, each has its own. */
const ALARM: Act = { ...zero(), objectRequests: 1, rowsWritten: 1, cpuMs: 1 };

/** On a stream a node says its head by a request of its own: two calls, where the socket's message is one. */
const FOLLOW_BY_STREAM: Act = {
  ...COUNTED.follow,
  requests: COUNTED.follow.requests + 1,
  objectRequests: COUNTED.follow.objectRequests + 1,
  socketMessages: 0,
  rowsWritten: COUNTED.follow.rowsWritten + COUNTED.resume.rowsWritten,
};

/** A node that joins: its tailnet's nodes are counted each time. */
function joinAmong(nodes: number): Act {
  return { ...COUNTED.join, rowsRead: COUNTED.join.rowsRead + nodes };
}

/** An act whose news goes to all shards of the tailnet. */
function told(act: Act, nodes: number): Usage {
  return plus(usageOf(act), timesOf(usageOf(FURTHER_SHARD), shardsOf(nodes) - 1));
}

/** Objects that are awake all the time. */
function alwaysAwake(objects: number): Usage {
  return { ...NOTHING, gbSeconds: objects * MONTH_S * OBJECT_GB };
}

/** One comparison of a shard with the authority: a call. */
const COMPARISON: Act = { ...zero(), objectRequests: 1, rowsRead: COUNTED.socketsAlarm.rowsRead, cpuMs: 2 };

/** Alarms of the objects that hold sockets, and what they compare. */
function socketsStanding(fleet: Fleet): Usage {
  const objects = objectsOf(fleet);
  const here = fleet.nodes <= OWN_FROM ? fleet.tailnets / objects : 1;
  const turns = Math.min(MOST_TURNS, Math.ceil(here / COMPARED_AT_ONCE));
  const once = plus(usageOf(ALARM), timesOf(usageOf(COMPARISON), here / turns));
  return timesOf(once, (objects * MONTH_S) / ALARM_S);
}

/** Objects that hold streams are awake, and compare every tailnet that they hold. */
function streamsStanding(fleet: Fleet): Usage {
  const objects = objectsOf(fleet);
  const pairs = fleet.nodes <= OWN_FROM ? fleet.tailnets : objects;
  return plus(alwaysAwake(objects), timesOf(usageOf(COMPARISON), (pairs * MONTH_S) / STREAM_COMPARE_S));
}

/** Alarms of the objects that hold clients' connections: the processor time of keep-alives is that of so many clients as an object holds. */
function clientsStanding(fleet: Fleet, isAwake: boolean): Usage {
  const objects = objectsOf(fleet);
  const here = fleet.nodes <= OWN_FROM ? fleet.tailnets / objects : 1;
  const turns = Math.min(MOST_TURNS, Math.ceil(here / COMPARED_AT_ONCE));
  const clients = (fleet.tailnets * fleet.nodes) / objects;
  const keepAlive = { ...COUNTED.clientsAlarm, cpuMs: (COUNTED.clientsAlarm.cpuMs * clients) / COUNTED_CLIENTS };
  return plus(
    timesOf(usageOf(keepAlive), (objects * MONTH_S) / KEEP_ALIVE_S),
    timesOf(usageOf(COMPARISON), ((here / turns) * objects * MONTH_S) / ALARM_S),
    isAwake ? alwaysAwake(objects) : NOTHING,
  );
}

/** A month of Tailscale's clients: whoever comes back is given the whole map, and tells of its endpoints. */
function monthOfClients(fleet: Fleet, pace: Pace, isAwake: boolean): Usage {
  const { tailnets, nodes } = fleet;
  const all = tailnets * nodes;
  const join = { ...COUNTED.clientJoin, rowsRead: COUNTED.clientJoin.rowsRead + nodes };
  // A client that has heard of a change asks for it over the connection that it has.
  const follow = { ...COUNTED.follow, requests: 0, socketMessages: COUNTED.clientUpdate.socketMessages };
  return plus(
    clientsStanding(fleet, isAwake),
    timesOf(plus(usageOf(COUNTED.clientReturn), usageOf(COUNTED.clientUpdate)), all * pace.returns * DAYS),
    timesOf(plus(told(join, nodes), told(COUNTED.sign, nodes)), all * pace.joins * DAYS),
    timesOf(usageOf(ALARM), 2 * all * pace.joins * DAYS),
    timesOf(told(COUNTED.changeAlone, nodes), tailnets * pace.changes * DAYS),
    timesOf(usageOf(follow), all * pace.changes * DAYS),
  );
}

/** A month of a fleet. */
export function monthOf(fleet: Fleet, way: Way, pace: Pace): Usage {
  if (way === "clients" || way === "clients, awake") return monthOfClients(fleet, pace, way !== "clients");
  const { tailnets, nodes } = fleet;
  const all = tailnets * nodes;
  const comesBack = way === "sockets" ? COUNTED.resume : COUNTED.stream;
  return plus(
    way === "sockets" ? socketsStanding(fleet) : streamsStanding(fleet),
    timesOf(usageOf(comesBack), all * pace.returns * DAYS),
    timesOf(plus(told(joinAmong(nodes), nodes), told(COUNTED.sign, nodes)), all * pace.joins * DAYS),
    timesOf(usageOf(ALARM), 2 * all * pace.joins * DAYS),
    timesOf(told(COUNTED.changeAlone, nodes), tailnets * pace.changes * DAYS),
    timesOf(usageOf(way === "sockets" ? COUNTED.follow : FOLLOW_BY_STREAM), all * pace.changes * DAYS),
  );
}

/** The same, were every tailnet's objects awake all the time: nothing hibernates, and none is shared. */
export function nothingHibernates({ tailnets }: Fleet): Usage {
  return alwaysAwake(tailnets);
}

/** The same, had every tailnet a sessions object of its own with an alarm a minute: what the alarms alone take. */
export function alarmEach({ tailnets }: Fleet): Usage {
  const alarms = (tailnets * MONTH_S) / 60;
  return { ...NOTHING, objectRequests: alarms, rowsWritten: alarms };
}

/** The same, were nodes to ask every so many seconds by a request of its own, as a plain poll does. */
export function plainPolls({ tailnets, nodes }: Fleet, everyS: number): Usage {
  const polls = (tailnets * nodes * MONTH_S) / everyS;
  return { ...NOTHING, requests: polls, objectRequests: polls };
}
