import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";
import { WebsocketPeer } from "../../support/websocket/peer.ts";

const HERE = { allowed_hosts: ["127.0.0.1"] };

/** A peer of python3-websockets behind a network that may break; it acknowledges events by their ids. */
export const world: OutputWorld = {
  exceptions: { probe: "It asks the peer of the last event, and there was none" },
  setUp,
};

async function setUp(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const peer = undo.use(await WebsocketPeer.start());
  const network = undo.use(TcpProxy.start({ port: peer.port }));
  const resources = undo.move();
  const to = (path: string) => ({ ...HERE, url: peer.url(path, network.port), format: "envelope" });
  const acknowledged = { ...to("/ack"), acknowledgement: { error: "/error" } };
  return {
    config: { ...acknowledged, headers: { authorization: "Bearer peer-s3cret" } },
    dataType: "blob",
    secrets: ["peer-s3cret"],
    failures: [
      {
        when: "the message is too long",
        disposition: "dead_letter",
        config: { ...acknowledged, max_message_bytes: 10 },
      },
      {
        when: "the peer says that it did not take the event",
        disposition: "retry",
        config: { ...acknowledged, url: peer.url("/refused", network.port) },
      },
      {
        when: "the peer closes the connection on it",
        disposition: "retry",
        config: { ...to("/closing"), wait_for_response: true },
      },
      { when: "the peer refuses the handshake", disposition: "retry", config: to("/denied") },
      {
        when: "the peer speaks another subprotocol",
        disposition: "retry",
        config: { ...to("/ack"), subprotocol: "other" },
      },
      { when: "the peer is down", disposition: "retry", arrange: () => goDown(network) },
    ],
    received: async () =>
      (await peer.messages()).filter(({ path }) => path === "/ack").map(({ data }) => {
        const { event_id, body_base64 } = JSON.parse(data);
        return { id: event_id, body: Uint8Array.fromBase64(body_base64) };
      }),
    stall: () => network.freeze(),
    goOn: () => network.thaw(),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => goDown(network),
    restore: () => network.accept(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function goDown(network: TcpProxy): Promise<void> {
  await network.refuse();
  network.cut();
}
