import { elasticmq } from "./aws/elasticmq.ts";
import { clickhouse25, clickhouse26 } from "./clickhouse/clickhouse.ts";
import { etcd35, etcd36, etcd37 } from "./etcd/etcd.ts";
import { caddy, traefik } from "./proxies/proxies.ts";
import { helm, kustomize } from "./kubernetes/tools.ts";
import type { RealSystem } from "./real_system.ts";
import { kafka } from "./kafka/kafka.ts";
import { redis8, rq2, rq3, valkey9 } from "./redis/redis.ts";
import { vault } from "./vault/vault.ts";

/** Every real system that tests can run against, in the order of the table. */
export const realSystems: readonly RealSystem[] = [
  etcd35,
  etcd36,
  etcd37,
  kafka,
  clickhouse25,
  clickhouse26,
  redis8,
  valkey9,
  rq3,
  rq2,
  caddy,
  traefik,
  vault,
  elasticmq,
  kustomize,
  helm,
];
