import { proxyContract } from "../../support/proxies/proxy_contract.ts";
import { caddy } from "../../support/proxies/proxy_programs.ts";

proxyContract(caddy, { keepsUnderscores: false });
