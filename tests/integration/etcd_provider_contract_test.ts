import { getLogger } from "@logtape/logtape";
import { EtcdConfigProvider } from "../../src/config/etcd/etcd_provider.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { FAST, PREFIX } from "../support/etcd/test_provider.ts";
import { testProviderContract } from "../contracts/provider.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";

testProviderContract("etcd provider", async () => {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await EtcdServer.start());
  const proxy = resources.use(TcpProxy.start({ port: server.port }));
  const etcd = server.gateway;
  const createProvider = () =>
    new EtcdConfigProvider({
      endpoints: [`http://${proxy.address}`],
      prefix: PREFIX,
      logger: getLogger("cwm-test"),
      timing: FAST,
    });
  const webhook = (namespace: string, id: string) => `${PREFIX}${namespace}/webhooks/${id}`;
  const connection = (name: string) => `${PREFIX}global/connections/${name}`;
  const owned = resources.move();
  return {
    provider: createProvider(),
    createProvider,
    putWebhook: async (namespace, id, value) => void await etcd.putJson(webhook(namespace, id), value),
    deleteWebhook: async (namespace, id) => void await etcd.delete(webhook(namespace, id)),
    putConnection: async (name, value) => void await etcd.putJson(connection(name), value),
    deleteConnection: async (name) => void await etcd.delete(connection(name)),
    makeUnavailable: async () => {
      await proxy.refuse();
      proxy.cut();
    },
    makeAvailable: () => {
      proxy.accept();
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}, { namespaces: ["default", "team-a"] });
