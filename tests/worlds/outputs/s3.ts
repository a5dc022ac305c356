import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { BucketDesk } from "../../support/aws/buckets.ts";
import { motoConnection, s3Writer } from "../../support/aws/moto.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";

/** Buckets of a moto server that all tests share, behind a network that may break. */
export const world: OutputWorld = { setUp };

async function setUp(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const desk = undo.use(await BucketDesk.open());
  const writer = await s3Writer();
  const network = undo.use(TcpProxy.start({ port: desk.place.port }));
  const bucket = await desk.makeBucket(BucketDesk.name("open"));
  const closed = await desk.makeBucket(BucketDesk.name("closed"));
  /** By their keys: what is stored does not change any more. */
  const received = new Map<string, ReceivedEvent>();
  const resources = undo.move();
  return {
    connection: motoConnection(desk.place, writer, network.port),
    config: { bucket },
    secrets: [writer.aws_secret_access_key],
    failures: [
      {
        when: "the bucket does not exist",
        disposition: "retry",
        config: { bucket: BucketDesk.name("open") },
        probed: /bucket 'open/,
      },
      {
        when: "the user may not write there",
        disposition: "retry",
        config: { bucket: closed },
        probed: /bucket 'closed/,
      },
      {
        when: "its key cannot be made",
        disposition: "dead_letter",
        config: { bucket, key: "{/nowhere}/{event_id}" },
      },
      { when: "S3 is down", disposition: "retry", arrange: () => goDown(network) },
    ],
    received: async () => {
      for (const { key, headers, body } of await desk.objects(bucket, received)) {
        received.set(key, { id: String(headers["x-amz-meta-cwm-event-id"]), body: new Uint8Array(body) });
      }
      return [...received.values()];
    },
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
