// A Kafka cluster of its own process: the mock cluster inside of librdkafka, a Kafka protocol server in C that the
// clients of half the world are tested against. Usage: kafka_mock_cluster.ts BROKERS
//
// It prints its brokers and the port that takes orders, as `Serving on host:port,host:port, orders on port`. An order
// is a POST of one of `OPERATIONS` with its arguments as a JSON list. Functions and constants are those of librdkafka's
// `rdkafka_mock.h`.

const library = Deno.dlopen("librdkafka.so.1", {
  rd_kafka_conf_new: { parameters: [], result: "pointer" },
  rd_kafka_conf_set: { parameters: ["pointer", "buffer", "buffer", "buffer", "usize"], result: "i32" },
  rd_kafka_new: { parameters: ["i32", "pointer", "buffer", "usize"], result: "pointer" },
  rd_kafka_mock_cluster_new: { parameters: ["pointer", "i32"], result: "pointer" },
  rd_kafka_mock_cluster_bootstraps: { parameters: ["pointer"], result: "pointer" },
  rd_kafka_mock_topic_create: { parameters: ["pointer", "buffer", "i32", "i32"], result: "i32" },
  rd_kafka_mock_topic_set_error: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  rd_kafka_mock_partition_set_leader: { parameters: ["pointer", "buffer", "i32", "i32"], result: "i32" },
  rd_kafka_mock_push_request_errors_array: {
    parameters: ["pointer", "i16", "usize", "buffer"],
    result: "void",
  },
  rd_kafka_mock_clear_request_errors: { parameters: ["pointer", "i16"], result: "void" },
  rd_kafka_mock_broker_set_down: { parameters: ["pointer", "i32"], result: "i32" },
  rd_kafka_mock_broker_set_up: { parameters: ["pointer", "i32"], result: "i32" },
  rd_kafka_mock_broker_set_rtt: { parameters: ["pointer", "i32", "i32"], result: "i32" },
});

const kafka = library.symbols;
const PRODUCER = 0;
const failure = new Uint8Array(512);
const FAILURE_SIZE = BigInt(failure.length);

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value}\0`);
}

/** @throws {Error} for every code but 0, RD_KAFKA_RESP_ERR_NO_ERROR */
function check(code: number): void {
  if (code !== 0) throw new Error(`The mock cluster refused with code ${code}`);
}

const configuration = kafka.rd_kafka_conf_new();
// 2 is "critical" of syslog: the handle complains of having no brokers itself.
kafka.rd_kafka_conf_set(configuration, text("log_level"), text("2"), failure, FAILURE_SIZE);
const handle = kafka.rd_kafka_new(PRODUCER, configuration, failure, FAILURE_SIZE);
const cluster = kafka.rd_kafka_mock_cluster_new(handle, Number(Deno.args[0] ?? 1));

const OPERATIONS: Readonly<Record<string, (...args: never[]) => void>> = {
  createTopic(topic: string, partitions: number, replicas: number) {
    check(kafka.rd_kafka_mock_topic_create(cluster, text(topic), partitions, replicas));
  },
  setTopicError(topic: string, code: number) {
    kafka.rd_kafka_mock_topic_set_error(cluster, text(topic), code);
  },
  setLeader(topic: string, partition: number, broker: number) {
    check(kafka.rd_kafka_mock_partition_set_leader(cluster, text(topic), partition, broker));
  },
  failRequests(api: number, codes: number[]) {
    kafka.rd_kafka_mock_push_request_errors_array(
      cluster,
      api,
      BigInt(codes.length),
      new Uint8Array(new Int32Array(codes).buffer),
    );
  },
  clearFailures(api: number) {
    kafka.rd_kafka_mock_clear_request_errors(cluster, api);
  },
  setDown(broker: number) {
    check(kafka.rd_kafka_mock_broker_set_down(cluster, broker));
  },
  setUp(broker: number) {
    check(kafka.rd_kafka_mock_broker_set_up(cluster, broker));
  },
  setRoundTripTime(broker: number, milliseconds: number) {
    check(kafka.rd_kafka_mock_broker_set_rtt(cluster, broker, milliseconds));
  },
};

async function takeOrder(request: Request): Promise<Response> {
  const operation = OPERATIONS[new URL(request.url).pathname.slice(1)];
  if (operation === undefined) return new Response("No such operation", { status: 404 });
  operation(...await request.json() as never[]);
  return new Response();
}

const bootstrap = Deno.UnsafePointerView.getCString(kafka.rd_kafka_mock_cluster_bootstraps(cluster)!);
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen({ port }) {
    const line = `Serving on ${bootstrap}, orders on ${port}\n`;
    Deno.stdout.writeSync(new TextEncoder().encode(line));
  },
}, takeOrder);
