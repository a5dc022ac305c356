import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { eventIdOf, ZeromqPeer } from "../../support/zeromq/peer.ts";

/** A peer that answers each message. */
export const world: OutputWorld = {
  setUp,
  exceptions: {
    probe: "It learns from the first event which peer there is: zeromq_test.ts probes after one.",
  },
};

async function setUp(): Promise<OutputUnderTest> {
  const peer = await ZeromqPeer.start({ kind: "ROUTER" });
  const config = { endpoint: peer.endpoint, socket_type: "DEALER" };
  return {
    config,
    failures: [
      { when: "the peer rejects it", disposition: "dead_letter", config: { ...config, single_frame: true } },
      { when: "the peer answers with an error", disposition: "retry", arrange: () => answerError(peer) },
      { when: "the peer is gone", disposition: "retry", arrange: () => peer.kill() },
    ],
    received: async () =>
      (await peer.messages()).filter(({ length }) => length === 3)
        .map((frames) => ({ id: eventIdOf(frames), body: frames[2]! })),
    stall: () => peer.freeze(),
    goOn: () => Promise.resolve(peer.thaw()),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => peer.kill(),
    restore: () => peer.restart(),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

async function answerError(peer: ZeromqPeer): Promise<void> {
  await peer.restart({ answer: "error: no room" });
}
