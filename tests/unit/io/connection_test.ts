import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import { ConnectionSupervisor, type Opening, type SupervisorOptions } from "../../../src/io/connection.ts";
import { logger } from "../../../src/observability/logging.ts";
import { abortable } from "../../../src/time/abortable.ts";
import { eventually } from "../../support/eventually.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const NEVER = new AbortController().signal;
const HANGS = new Promise<never>(() => {});

type Options = Partial<SupervisorOptions<Deno.TcpConn>>;

/** A server that accepts connections, or refuses them, and a supervisor of connections to it. */
class World implements AsyncDisposable {
  readonly supervisor: ConnectionSupervisor<Deno.TcpConn>;
  readonly openings: Opening[] = [];
  closings = 0;
  #listener: Deno.TcpListener | undefined;
  readonly #accepted: Deno.TcpConn[] = [];
  #accepting = Promise.resolve();
  #port = 0;

  constructor(options: Options = {}) {
    this.supervisor = new ConnectionSupervisor({
      server: "Server a",
      log: { name: "main", logger: logger("output") },
      open: (opening) => this.#open(opening),
      close: (connection) => this.close(connection),
      ...options,
    });
    this.start();
  }

  start(): void {
    const listener = this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.#port });
    this.#port = listener.addr.port;
    this.#accepting = this.#accept(listener);
  }

  async stop(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    await this.#accepting;
  }

  close(connection: Deno.TcpConn): Promise<void> {
    this.closings++;
    connection.close();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor[Symbol.asyncDispose]();
    await this.stop();
    for (const connection of this.#accepted) connection.close();
    assertEquals(this.closings, this.openings.length);
  }

  async #open(opening: Opening): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    this.openings.push(opening);
    return connection;
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for await (const connection of listener) this.#accepted.push(connection);
  }
}

function failure(message = "Server a is full"): DeliveryError {
  return new DeliveryError("output_unavailable", message);
}

/** An opener that goes on until it is called off. */
function hangs({ signal }: Opening): Promise<never> {
  return abortable(HANGS, signal);
}

async function failureOf(work: Promise<unknown>): Promise<DeliveryError> {
  const error = await work.then(() => assert(false, "It succeeded"), (error) => error);
  assertInstanceOf(error, DeliveryError);
  return error;
}

Deno.test("a supervised connection is opened once for all who need it", async () => {
  await using world = new World();
  const { supervisor } = world;
  assertEquals(supervisor.state, "idle");
  const first = [supervisor.acquire(NEVER), supervisor.acquire(NEVER)];
  assertEquals(supervisor.state, "opening");
  const [one, other] = await Promise.all(first);
  assertStrictEquals(one, other);
  assertStrictEquals(await supervisor.use((connection) => Promise.resolve(connection), NEVER), one);
  assertEquals([supervisor.state, world.openings.length], ["open", 1]);
});

Deno.test("while a system is down whoever comes fails at once, with the reason", async () => {
  await using world = new World({ pauses: { initialMs: 3_600_000, maxMs: 3_600_000 } });
  await world.stop();
  const { supervisor } = world;
  const reason = await failureOf(supervisor.acquire(NEVER));
  assertEquals(reason.message, "Server a cannot be reached: ECONNREFUSED");
  assertEquals(supervisor.state, "down");
  assert(supervisor.pauseMs > 1_000_000);
  world.start();
  assertStrictEquals(await failureOf(supervisor.use(() => HANGS, NEVER)), reason);
  assertStrictEquals(supervisor.failure, reason);
});

Deno.test("the log says once that a system is down, and again when the reason is another one", async () => {
  const reasons = ["is full", "is full", "is starting", "is starting"];
  await using log = RecordedLog.start("debug");
  await using world = new World({
    open: () => Promise.reject(failure(`Server a ${reasons.shift()}`)),
    pauses: { initialMs: 0, maxMs: 0 },
  });
  while (reasons.length > 0) await failureOf(world.supervisor.acquire(NEVER));
  assertEquals((await log.records()).map(({ level, message }) => [level, message]), [
    ["warning", "Connection main: Server a is full"],
    ["warning", "Connection main: Server a is starting"],
  ]);
});

Deno.test("after a pause a system that was down is connected to again", async () => {
  await using log = RecordedLog.start("debug");
  await using world = new World();
  await world.stop();
  await failureOf(world.supervisor.acquire(NEVER));
  world.start();
  await eventually(async () => void await world.supervisor.acquire(NEVER));
  assertEquals([world.supervisor.state, world.supervisor.failure], ["open", undefined]);
  assertEquals((await log.records()).map(({ level, message }) => [level, message]), [
    ["warning", "Connection main: Server a cannot be reached: ECONNREFUSED"],
    ["info", "Connection main: Server a answers again"],
  ]);
});

Deno.test("what is under way on a connection fails with it, whatever the client does", async () => {
  await using world = new World();
  const { supervisor } = world;
  const underWay = [supervisor.use(() => HANGS, NEVER), supervisor.use(() => HANGS, NEVER)];
  await eventually(() => assertEquals(world.openings.length, 1));
  await supervisor.acquire(NEVER);
  const reason = failure("Server a closed the connection");
  world.openings[0]?.lost(reason);
  for (const work of underWay) assertStrictEquals(await failureOf(work), reason);
  assertEquals(supervisor.state, "idle");
  await supervisor.acquire(NEVER);
  assertEquals([world.openings.length, world.closings], [2, 1]);
});

Deno.test("connections that are lost as soon as they are open are opened ever less often", async () => {
  await using world = new World({ pauses: { initialMs: 3_600_000, maxMs: 3_600_000 } });
  const { supervisor } = world;
  await supervisor.acquire(NEVER);
  world.openings[0]?.lost(failure());
  await supervisor.acquire(NEVER);
  world.openings[1]?.lost(failure());
  assertEquals((await failureOf(supervisor.acquire(NEVER))).message, "Server a is full");
  assertEquals(world.openings.length, 2);
});

Deno.test("a connection that is lost while it is being opened never gets into service", async () => {
  await using world = new World({
    open: (opening) => {
      opening.lost(failure());
      return hangs(opening);
    },
  });
  assertEquals((await failureOf(world.supervisor.acquire(NEVER))).message, "Server a is full");
});

Deno.test("work that throws ends the connection, unless it is an error of the event", async () => {
  await using world = new World();
  const { supervisor } = world;
  const refusal = new DeliveryError("output_rejected", "The event is too long");
  assertStrictEquals(await failureOf(supervisor.use(() => Promise.reject(refusal), NEVER)), refusal);
  assertEquals(supervisor.state, "open");
  const broken = Object.assign(new Error("secret"), { code: "EPIPE" });
  const error = await failureOf(supervisor.use(() => Promise.reject(broken), NEVER));
  assertEquals([error.code, error.message], ["output_unavailable", "Server a cannot be reached: EPIPE"]);
  assertEquals([supervisor.state, world.closings], ["down", 1]);
});

Deno.test("a client that ends its work itself is left to say what has been answered", async () => {
  await using world = new World({ endsItsWork: true });
  const answered = Promise.withResolvers<string>();
  const work = world.supervisor.use(() => answered.promise, NEVER);
  await world.supervisor.acquire(NEVER);
  world.openings[0]?.lost(failure());
  answered.resolve("half of it");
  assertEquals(await work, "half of it");
});

Deno.test("a connection that is given up is closed, and only once", async () => {
  await using world = new World({ pauses: { initialMs: 0, maxMs: 0 } });
  const { supervisor } = world;
  const connection = await supervisor.acquire(NEVER);
  supervisor.drop(connection, failure());
  supervisor.drop(connection, failure());
  world.openings[0]?.lost(failure());
  assertEquals([supervisor.state, world.closings], ["down", 1]);
  supervisor.drop(await supervisor.acquire(NEVER));
  assertEquals([supervisor.state, world.closings], ["idle", 2]);
});

Deno.test("a connection that cannot be used any more is closed, and another one opened", async () => {
  const old = new Set<unknown>();
  await using world = new World({ isUsable: (connection) => !old.has(connection) });
  old.add(await world.supervisor.acquire(NEVER));
  await world.supervisor.acquire(NEVER);
  assertEquals([world.openings.length, world.closings], [2, 1]);
});

Deno.test("connections that are of no use as soon as they are open are opened ever less often", async () => {
  await using world = new World({
    isUsable: () => false,
    pauses: { initialMs: 3_600_000, maxMs: 3_600_000 },
  });
  const { supervisor } = world;
  await supervisor.acquire(NEVER);
  await supervisor.acquire(NEVER);
  assertEquals(
    (await failureOf(supervisor.acquire(NEVER))).message,
    "The connection to Server a cannot be used any more",
  );
  assertEquals([world.openings.length, world.closings], [2, 2]);
});

Deno.test("a system that hung for longer than opening may take is connected to as soon as it answers", async () => {
  let hung = true;
  const openings: Opening[] = [];
  await using supervisor = new ConnectionSupervisor({
    server: "Server a",
    open: (opening) => {
      openings.push(opening);
      return hung ? hangs(opening) : Promise.resolve("answered");
    },
    close: () => {},
    openTimeoutMs: 1,
    pauses: { initialMs: 0, maxMs: 0 },
  });
  // Most of those who come while it hangs have no time to wait for the end of an opening.
  while (openings.length < 50) await failureOf(supervisor.use(() => HANGS, AbortSignal.timeout(1)));
  hung = false;
  await eventually(async () => assertEquals(await supervisor.acquire(NEVER), "answered"));
  assertEquals([supervisor.state, supervisor.failure], ["open", undefined]);
});

Deno.test("work whose time is up takes the connection with it, unless that outlives time-outs", async () => {
  for (const outlivesTimeouts of [false, true]) {
    await using world = new World({ outlivesTimeouts });
    const { supervisor } = world;
    await supervisor.acquire(NEVER);
    const controller = new AbortController();
    const work = supervisor.use(() => HANGS, controller.signal);
    controller.abort();
    const error = await failureOf(work);
    assertEquals([error.code, error.message], ["output_timeout", "Server a did not answer in time"]);
    assertEquals(supervisor.state, outlivesTimeouts ? "open" : "down");
    assertEquals((await failureOf(supervisor.use(() => HANGS, controller.signal))).code, "output_timeout");
  }
});

Deno.test("whoever waits for a connection waits no longer than their signal", async () => {
  await using world = new World({ open: hangs, openTimeoutMs: 3_600_000 });
  const controller = new AbortController();
  const waiting = world.supervisor.acquire(controller.signal);
  controller.abort(failure("too late"));
  assertEquals((await failureOf(waiting)).message, "too late");
  assertEquals(world.supervisor.state, "opening");
});

Deno.test("opening ends in time, and a connection that comes later is closed", async () => {
  const late = Promise.withResolvers<Deno.TcpConn>();
  let aborted = false;
  await using world = new World({
    open: ({ signal }) => {
      signal.addEventListener("abort", () => aborted = true);
      return late.promise;
    },
    openTimeoutMs: 1,
    close: () => {
      world.closings++;
      return Promise.resolve();
    },
  });
  const error = await failureOf(world.supervisor.acquire(NEVER));
  assertEquals([error.code, error.message], ["output_timeout", "Server a did not answer within 1 ms"]);
  assertEquals([aborted, world.closings], [true, 0]);
  late.resolve({} as Deno.TcpConn);
  await eventually(() => assertEquals(world.closings, 1));
  world.closings = 0;
});

Deno.test("disposal ends work, openings and waits, and nothing is opened afterwards", async () => {
  const busy = new World();
  await busy.supervisor.acquire(NEVER);
  const work = failureOf(busy.supervisor.use(() => HANGS, NEVER));
  await busy[Symbol.asyncDispose]();
  assertEquals((await work).message, "Server a is not used any more");
  await assertRejects(() => busy.supervisor.acquire(NEVER), DeliveryError, "not used any more");
  assertEquals(busy.supervisor.state, "closed");

  const opening = new World({ open: hangs, openTimeoutMs: 3_600_000 });
  const waiting = failureOf(opening.supervisor.acquire(NEVER));
  await opening[Symbol.asyncDispose]();
  assertEquals((await waiting).message, "Server a is not used any more");
});
