/** The world of an output that puts records into a place of moto, behind a network that may break. */

import type { Failure, OutputUnderTest } from "../../contracts/output.ts";
import { TcpProxy } from "../http/tcp_proxy.ts";
import { motoConnection, type MotoPlace, sharedMoto } from "./moto.ts";
import type { RecordDesk } from "./record_desks.ts";

/** What is special about a service. */
export interface RecordWorldOptions {
  make(place: MotoPlace): Promise<RecordDesk>;
  /** A `module-config` for a place. */
  config(name: string): Readonly<Record<string, unknown>>;
  /** Besides that the service is down. */
  failures(name: string): readonly Failure[];
}

/** Sets up a place for one test. */
export async function setUpRecords({ make, config, failures }: RecordWorldOptions): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const place = await sharedMoto();
  const desk = undo.use(await make(place));
  const network = undo.use(TcpProxy.start({ port: place.port }));
  const goDown = async () => {
    await network.refuse();
    network.cut();
  };
  const resources = undo.move();
  return {
    connection: motoConnection(place, place.root, network.port),
    config: config(desk.name),
    dataType: "blob",
    secrets: [place.root.aws_secret_access_key],
    failures: [
      ...failures(desk.name),
      { when: "the service is down", disposition: "retry", arrange: goDown },
    ],
    received: async () => (await desk.read()).map(({ id, body }) => ({ id, body })),
    stall: () => network.freeze(),
    goOn: () => network.thaw(),
    impatient: { config: { timeout: 0.5 } },
    takeDown: goDown,
    restore: () => network.accept(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
