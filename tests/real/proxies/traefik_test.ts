import { proxyContract } from "../../support/proxies/proxy_contract.ts";
import { traefik } from "../../support/proxies/proxy_programs.ts";

proxyContract(traefik);
