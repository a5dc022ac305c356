import { clientCertificateContract } from "../../support/proxies/client_certificate_contract.ts";
import { proxyContract } from "../../support/proxies/proxy_contract.ts";
import { caddy, verifyingCaddy } from "../../support/proxies/proxy_programs.ts";

proxyContract(caddy, { keepsUnderscores: false });
clientCertificateContract(verifyingCaddy);
