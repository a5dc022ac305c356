import { proxyContract } from "../support/proxies/proxy_contract.ts";
import { nginx } from "../support/proxies/proxy_programs.ts";

// It does not ask gateways whether they are ready: it sends to one until that no longer listens.
proxyContract(nginx, { graceMs: 200 });
