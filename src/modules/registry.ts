/**
 * The output modules, as one literal list: nothing registers itself, and `deno compile` finds every import.
 *
 * @module
 */

import { activemqModule } from "./activemq/activemq.ts";
import { eventbridgeModule } from "./aws/eventbridge/eventbridge.ts";
import { kinesisModule } from "./aws/kinesis/kinesis.ts";
import { awsSqsModule } from "./aws/sqs/aws_sqs.ts";
import { clickhouseModule } from "./clickhouse/clickhouse.ts";
import { gcpPubsubModule, gcpPubsubWith } from "./gcp_pubsub/gcp_pubsub.ts";
import { httpWebhookModule, httpWebhookModuleWith } from "./http_webhook/http_webhook.ts";
import { kafkaModule } from "./kafka/kafka.ts";
import { logModule } from "./log/log.ts";
import { mqttModule } from "./mqtt/mqtt.ts";
import { mysqlModule } from "./sql/mysql/mysql.ts";
import { natsModule } from "./nats/nats.ts";
import type { OutputBounds } from "../settings/output_bounds.ts";
import type { DocumentedModule, OutputModule } from "./module.ts";
import { postgresqlModule } from "./sql/postgresql/postgresql.ts";
import { rabbitmqModule } from "./rabbitmq/rabbitmq.ts";
import { redisPublishModule } from "./redis/redis_publish.ts";
import { redisRqModule, redisRqWithin } from "./redis/rq/redis_rq.ts";
import { redisStreamModule } from "./redis/stream/redis_stream.ts";
import { taskQueueModule, taskQueueWithin } from "./redis/task_queue/task_queue.ts";
import { s3Module } from "./aws/s3/s3.ts";
import { saveToDiskModule, saveToDiskWithin } from "./save_to_disk/save_to_disk.ts";
import { websocketModule } from "./websocket/websocket.ts";
import { webhookConnectModule } from "./webhook_connect/webhook_connect.ts";
import { zeromqModule } from "./zeromq/zeromq.ts";

/**
 * Every module that a webhook can name. Which configuration belongs to which module is no longer in the
 * type here: a configuration must be handed only to the module whose own schema made it.
 */
export const outputModules: readonly DocumentedModule[] = [
  activemqModule,
  awsSqsModule,
  clickhouseModule,
  eventbridgeModule,
  gcpPubsubModule,
  httpWebhookModule,
  kafkaModule,
  kinesisModule,
  logModule,
  mqttModule,
  mysqlModule,
  natsModule,
  postgresqlModule,
  rabbitmqModule,
  redisPublishModule,
  redisRqModule,
  redisStreamModule,
  s3Module,
  saveToDiskModule,
  taskQueueModule,
  webhookConnectModule,
  websocketModule,
  zeromqModule,
];

/** The same modules, which take no configuration that lies outside of the operator's bounds. */
export function outputModulesWithin(
  { directories, functions, proxies, pubsubEmulator, tasks }: OutputBounds,
): readonly OutputModule[] {
  return outputModules.map((module) => {
    if (module.name === saveToDiskModule.name && directories !== undefined) {
      return saveToDiskWithin(directories);
    }
    if (module.name === httpWebhookModule.name && proxies !== undefined) {
      return httpWebhookModuleWith(undefined, proxies);
    }
    if (module.name === gcpPubsubModule.name && pubsubEmulator !== undefined) {
      return gcpPubsubWith(pubsubEmulator);
    }
    if (module.name === redisRqModule.name && functions !== undefined) return redisRqWithin(functions);
    if (module.name === taskQueueModule.name && tasks !== undefined) return taskQueueWithin(tasks);
    return module;
  });
}
