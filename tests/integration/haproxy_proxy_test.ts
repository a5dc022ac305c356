import { proxyContract } from "../support/proxies/proxy_contract.ts";
import { haproxy } from "../support/proxies/proxy_programs.ts";

proxyContract(haproxy);
