/**
 * What a peer of ZeroMQ sends: greetings, commands and frames, in whatever pieces they come.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  FrameReader,
  MAX_MESSAGE_BYTES,
  writeCommand,
  writeMessages,
  ZmtpError,
} from "../../../src/modules/zeromq/zmtp/frames.ts";
import {
  checkGreeting,
  checkReady,
  greeting,
  GREETING_BYTES,
  parseCommand,
  type SocketType,
} from "../../../src/modules/zeromq/zmtp/handshake.ts";
import type { SeededRandom } from "../../faults/random.ts";
import { mutateBytes } from "../mutation.ts";
import type { FuzzInput, FuzzSubject } from "../subject.ts";

/** Each kind of socket, with one that fits. */
const SOCKETS: readonly (readonly [type: SocketType, peer: string])[] = [
  ["PUB", "SUB"],
  ["PUSH", "PULL"],
  ["REQ", "REP"],
  ["DEALER", "ROUTER"],
];

/** Lengths where something begins or ends. */
const LENGTHS = [0, 1, 2, 5, 254, 255, 256, 257, 1_000] as const;

/** How many frames a message has. */
const FRAMES = [1, 1, 2, 3, 63, 64, 65] as const;

/** How frames may begin that claim to be longer than they are. */
const OPENINGS = ["0200000000000fffff", "02ffffffffffffffff", "0600000000ffffffff", "01ff", "f800"];

/** The reader of frames, and the handshake in front of it. */
export const zmtpSubject: FuzzSubject = {
  name: "zmtp",
  share: 1,
  open: () =>
    Promise.resolve({
      next: (random) => {
        const [type, peer] = random.pick(SOCKETS);
        return new Conversation(bytesOf(random, peer), random.between(1, 400), type);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

function bytesOf(random: SeededRandom, peer: string): Uint8Array<ArrayBuffer> {
  const ready = Buffer.from(
    `\x05READY\x0bSocket-Type\0\0\0${String.fromCharCode(peer.length)}${peer}`,
    "latin1",
  );
  const parts: Uint8Array[] = [greeting(), writeCommand(ready)];
  while (random.next() < 0.7) parts.push(...pieceOf(random));
  const bytes = new Uint8Array(Buffer.concat(parts));
  return random.next() < 0.5 ? bytes : mutateBytes(random, bytes);
}

function pieceOf(random: SeededRandom): readonly Uint8Array[] {
  const body = () => new Uint8Array(random.pick(LENGTHS));
  switch (random.between(0, 3)) {
    case 0:
      return [writeCommand(Buffer.concat([Buffer.from([4]), Buffer.from("PING"), body()]))];
    case 1:
      return [Buffer.from(random.pick(OPENINGS), "hex")];
    default:
      return [writeMessages([Array.from({ length: random.pick(FRAMES) }, body)])];
  }
}

/** All that one peer sends. */
class Conversation implements FuzzInput {
  constructor(
    private readonly bytes: Uint8Array<ArrayBuffer>,
    private readonly pieceLength: number,
    private readonly type: SocketType,
  ) {}

  describe(): string {
    return `${this.type}, pieces of ${this.pieceLength}: ${this.bytes.toHex()}`;
  }

  run(): Promise<string> {
    try {
      return Promise.resolve(this.#read());
    } catch (error) {
      if (error instanceof ZmtpError) return Promise.resolve("refused");
      throw error;
    }
  }

  #read(): string {
    if (this.bytes.length < GREETING_BYTES) return "waiting";
    checkGreeting(this.bytes.subarray(0, GREETING_BYTES));
    const reader = new FrameReader();
    let isReady = false;
    let messages = 0;
    for (let start = GREETING_BYTES; start < this.bytes.length; start += this.pieceLength) {
      for (const received of reader.read(this.bytes.subarray(start, start + this.pieceLength))) {
        if (received.kind === "command") {
          if (isReady) parseCommand(received.body);
          else checkReady(received.body, this.type);
          isReady = true;
          continue;
        }
        messages++;
        const length = received.frames.reduce((sum, frame) => sum + frame.length, 0);
        if (length > MAX_MESSAGE_BYTES || received.frames.length > 64) {
          throw new Error("A message beyond its bounds");
        }
      }
    }
    return messages > 0 ? "messages" : "waiting";
  }
}
