// Java's own producer, without HTTP: as many records outstanding as asked for, each with the gateway's headers.
// Usage: java -cp LIBS JavaCeiling.java BROKERS TOPIC SECONDS OUTSTANDING BODY
// Prints the records a second that were acknowledged.
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class JavaCeiling {
  public static void main(String[] args) throws Exception {
    var settings = Map.<String, Object>of(
        "bootstrap.servers", args[0],
        "acks", "all",
        "enable.idempotence", "true",
        "key.serializer", ByteArraySerializer.class,
        "value.serializer", ByteArraySerializer.class);
    var body = args[4].getBytes(StandardCharsets.UTF_8);
    var places = new Semaphore(Integer.parseInt(args[3]));
    var acknowledged = new AtomicLong();
    try (var producer = new KafkaProducer<byte[], byte[]>(settings)) {
      run(producer, args[1], body, places, acknowledged, 2);
      acknowledged.set(0);
      int seconds = Integer.parseInt(args[2]);
      run(producer, args[1], body, places, acknowledged, seconds);
      System.out.println(acknowledged.get() / seconds);
    }
  }

  private static void run(
      KafkaProducer<byte[], byte[]> producer,
      String topic,
      byte[] body,
      Semaphore places,
      AtomicLong acknowledged,
      int seconds) throws InterruptedException {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    for (long number = 0; System.nanoTime() < end; number++) {
      places.acquire();
      var record = new ProducerRecord<byte[], byte[]>(topic, body);
      header(record, "cwm-event-id", "event-of-the-ceiling-" + number);
      header(record, "cwm-namespace", "default");
      header(record, "cwm-webhook", "default");
      header(record, "cwm-received-at", "2026-01-02T03:04:05.678Z");
      header(record, "content-type", "application/json");
      producer.send(record, (metadata, error) -> {
        if (error == null) acknowledged.incrementAndGet();
        places.release();
      });
    }
  }

  private static void header(ProducerRecord<byte[], byte[]> record, String name, String value) {
    record.headers().add(name, value.getBytes(StandardCharsets.UTF_8));
  }
}
