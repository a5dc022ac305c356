import { testRelay } from "../contracts/relay.ts";

testRelay({ transport: "websocket", mode: "http" });
testRelay({ transport: "sse", mode: "http" });
testRelay({ transport: "long_poll", mode: "http" });
testRelay({ transport: "pull", mode: "http" });
testRelay({ transport: "websocket", mode: "module" });
testRelay({ transport: "websocket", mode: "etcd" });
