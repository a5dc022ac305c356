import { assertEquals } from "@std/assert";
import { Ledger } from "../../docker/scenario/06_two_gateways/ledger.ts";

const HOUR_MS = 3_600_000;

/** A ledger on a clock that the test sets, with accepted events: even numbers for `orders`, odd ones for `payments`. */
function ledgerOf(events: number) {
  const clock = { now: HOUR_MS };
  const ledger = new Ledger(() => clock.now);
  for (let count = 0; count < events; count++) {
    const n = ledger.enter();
    ledger.sends(n);
    ledger.answered(n, 200);
  }
  return { ledger, clock };
}

Deno.test("the ledger misses what was accepted and not delivered, and not what was only sent", () => {
  const { ledger } = ledgerOf(3);
  const refused = ledger.enter();
  ledger.sends(refused);
  ledger.answered(refused, 503);
  ledger.delivered(0, "a");
  const { sent, accepted, missing, refused: statuses } = ledger.report();
  assertEquals({ sent, accepted, missing, statuses }, {
    sent: 4,
    accepted: 3,
    missing: 2,
    statuses: { "503": 1 },
  });
});

Deno.test("the ledger takes no fault for the reason of a delivery long before or after it", () => {
  const { ledger, clock } = ledgerOf(3);
  ledger.delivered(0, "a");
  clock.now += HOUR_MS;
  ledger.delivered(2, "b");
  ledger.fault();
  ledger.delivered(0, "a");
  ledger.delivered(2, "b");
  const { deliveredAgain, deliveredAgainUnexplained } = ledger.report();
  assertEquals({ deliveredAgain, deliveredAgainUnexplained }, {
    deliveredAgain: 2,
    deliveredAgainUnexplained: 1,
  });
});

Deno.test("the ledger tells what its sender sent again from what was accepted twice by itself", () => {
  const { ledger } = ledgerOf(4);
  ledger.sends(0);
  for (const n of [0, 1, 2]) for (const id of ["first", "second"]) ledger.delivered(n, `${n} ${id}`);
  const { acceptedTwice, acceptedTwiceUnexplained, paymentsTwice } = ledger.report();
  assertEquals({ acceptedTwice, acceptedTwiceUnexplained, paymentsTwice }, {
    acceptedTwice: 2,
    acceptedTwiceUnexplained: 1,
    paymentsTwice: 1,
  });
});
