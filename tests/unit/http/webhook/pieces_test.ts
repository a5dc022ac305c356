/** That bodies in tiny pieces leave the event loop to everything else. */

import { assert, assertEquals } from "@std/assert";
import { StreamedBody } from "../../../../src/http/webhook/body.ts";
import { discardPieces } from "../../../../src/http/webhook/discarded_body.ts";
import { Pieces } from "../../../../src/http/webhook/pieces.ts";
import { breathe } from "../../../../src/time/pace.ts";

const BODIES = 10;
const PIECES = 300;

/** A body whose pieces are all there already, as the runtime has them once they have arrived. */
class ReadyBody {
  read = 0;
  readonly pieces = new Pieces(
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => {
        if (this.read === PIECES) controller.close();
        else controller.enqueue(Uint8Array.of(++this.read % 251));
      },
    }, { highWaterMark: 0 }).getReader(),
  );
}

const ways: Readonly<Record<string, (body: ReadyBody) => Promise<unknown>>> = {
  read: ({ pieces }) => new StreamedBody(pieces, undefined, 1_000_000).read(),
  refused: ({ pieces }) => discardPieces(pieces),
};

for (const [name, way] of Object.entries(ways)) {
  Deno.test(`bodies in tiny pieces that are ${name} together give way after some pieces`, async () => {
    const bodies = Array.from({ length: BODIES }, () => new ReadyBody());
    const sum = () => bodies.reduce((sum, { read }) => sum + read, 0);
    let isOver = false;
    const reading = Promise.all(bodies.map(way)).then((all) => {
      isOver = true;
      return all;
    });
    let [most, before] = [0, 0];
    while (!isOver) {
      await breathe();
      most = Math.max(most, sum() - before);
      before = sum();
    }
    await reading;
    assertEquals(sum(), BODIES * PIECES);
    assert(most <= 200, `${most} pieces in a turn`);
  });
}

Deno.test("a body in tiny pieces is the body that was sent", async () => {
  const body = await new StreamedBody(new ReadyBody().pieces, undefined, 1_000_000).read();
  assertEquals(body, Uint8Array.from({ length: PIECES }, (_, index) => (index + 1) % 251));
});
