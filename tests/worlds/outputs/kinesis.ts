import type { OutputWorld } from "../../contracts/output.ts";
import { makeStream } from "../../support/aws/record_desks.ts";
import { setUpRecords } from "../../support/aws/record_world.ts";

/** Streams of a moto that all tests share. */
export const world: OutputWorld = {
  exceptions: { mebibyte: "A record of moto has a mebibyte at most, in Base64" },
  setUp: () =>
    setUpRecords({
      make: makeStream,
      config: (stream) => ({ stream }),
      failures: (stream) => [
        {
          when: "its partition key cannot be made",
          disposition: "dead_letter",
          config: { stream, partition_key: "{/nowhere}" },
        },
        {
          when: "the stream does not exist",
          disposition: "retry",
          config: { stream: "missing" },
          probed: /does not have it: stream 'missing'/,
        },
      ],
    }),
};
