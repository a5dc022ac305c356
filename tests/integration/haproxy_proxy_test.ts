import { clientCertificateContract } from "../support/proxies/client_certificate_contract.ts";
import { proxyContract } from "../support/proxies/proxy_contract.ts";
import { haproxy, verifyingHaproxy } from "../support/proxies/proxy_programs.ts";

proxyContract(haproxy);
clientCertificateContract(verifyingHaproxy);
