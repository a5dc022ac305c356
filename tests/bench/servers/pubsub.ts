// A server that speaks as Pub/Sub's REST interface does, with one topic, whose messages are only counted.
// Usage: pubsub.ts TOPIC. It prints its port.
import { PubsubServer } from "../../support/pubsub/server.ts";

const server = await PubsubServer.start({ records: false });
server.setTopic(Deno.args[0] ?? "", "open");
Deno.stdout.writeSync(new TextEncoder().encode(`port ${server.port}\n`));
