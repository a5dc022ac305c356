/**
 * The program behind `EtcdFront`: a gRPC front of one etcd member. In a process of its own, since
 * `@grpc/grpc-js` leaves timers behind that tests would be blamed for.
 *
 *     etcd_front_program.ts HOST:PORT in_step|never
 *
 * It says `Listening on PORT` once, `watch` for each watch and `progress` for each request for progress.
 * After SIGUSR1 it says `silent`, and the streams that are open stay open and bring nothing.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  ChannelCredentials,
  Client,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
} from "@grpc/grpc-js";
import protobuf from "protobufjs/minimal";

/** Fields of `WatchRequest`, `WatchCreateRequest`, `RangeRequest` and `ResponseHeader`. */
const CREATE_REQUEST = 1;
const PROGRESS_REQUEST = 3;
const START_REVISION = 3;
const RANGE_KEY = 1;
const HEADER = 1;
const HEADER_REVISION = 3;

const RANGE = "/etcdserverpb.KV/Range";
const WATCH = "/etcdserverpb.Watch/Watch";

const identity = (bytes: Buffer) => bytes;
const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

const [address = "", rule = ""] = Deno.args;
const member = new Client(address, ChannelCredentials.createInsecure(), {
  "grpc.initial_reconnect_backoff_ms": 10,
  "grpc.max_reconnect_backoff_ms": 10,
});
let signals = 0;
Deno.addSignalListener("SIGUSR1", () => {
  signals++;
  print("silent");
});

const server = new Server();
server.register(
  RANGE,
  (call: ServerUnaryCall<Buffer, Buffer>, callback: (error: ServiceError | null, value?: Buffer) => void) => {
    range(call.request).then((answer) => callback(null, answer), callback);
  },
  identity,
  identity,
  "unary",
);
server.register(WATCH, watch, identity, identity, "bidi");
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  print(`Listening on ${port}`);
});

function range(request: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  member.makeUnaryRequest(RANGE, identity, identity, request, new Metadata(), (error, answer) => {
    if (error === null) resolve(answer!);
    else reject(error);
  });
  return promise;
}

function watch(stream: ServerDuplexStream<Buffer, Buffer>): void {
  print("watch");
  const upstream = member.makeBidiStreamRequest(WATCH, identity, identity, new Metadata());
  const signalsBefore = signals;
  let startRevision = 0;
  stream.on("data", (request: Buffer) => {
    const { kind, body } = readRequest(request);
    if (kind === CREATE_REQUEST) startRevision = numberIn(body, START_REVISION);
    if (kind !== PROGRESS_REQUEST) {
      upstream.write(request);
      return;
    }
    print("progress");
    if (rule !== "in_step") return;
    readRevision().then((revision) => {
      if (revision >= startRevision) upstream.write(request);
    }, () => {
      // The member is away: nobody answers.
    });
  });
  upstream.on("data", (answer: Buffer) => {
    if (signals === signalsBefore) stream.write(answer);
  });
  upstream.on("error", (error) => stream.destroy(error));
  upstream.on("end", () => stream.end());
  stream.on("cancelled", () => upstream.cancel());
  stream.on("error", () => upstream.cancel());
  stream.on("end", () => upstream.end());
}

async function readRevision(): Promise<number> {
  const key = protobuf.Writer.create().uint32(RANGE_KEY << 3 | 2).bytes(Buffer.from("/")).finish();
  const answer = await range(Buffer.from(key));
  return numberIn(readField(answer, HEADER) ?? Buffer.alloc(0), HEADER_REVISION);
}

function readRequest(request: Buffer): { readonly kind: number; readonly body: Buffer } {
  const reader = protobuf.Reader.create(request);
  return { kind: reader.uint32() >>> 3, body: Buffer.from(reader.bytes()) };
}

/** The bytes of an embedded message. */
function readField(message: Buffer, field: number): Buffer | undefined {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field) return Buffer.from(reader.bytes());
    reader.skipType(tag & 7);
  }
  return undefined;
}

/** An integer of a message; 0 when it has none. */
function numberIn(message: Buffer, field: number): number {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field) return Number(reader.int64());
    reader.skipType(tag & 7);
  }
  return 0;
}
