package parity;

import io.milvus.v2.client.ConnectConfig;
import io.milvus.v2.client.MilvusClientV2;
import io.milvus.v2.service.partition.request.CreatePartitionReq;
import io.milvus.v2.service.partition.request.DropPartitionReq;
import io.milvus.v2.service.partition.request.HasPartitionReq;
import io.milvus.v2.service.partition.request.ListPartitionsReq;

/** The calls that are rehearsed: those that all releases have. */
final class Calls {
    private Calls() {}

    static void make(String uri) throws InterruptedException {
        MilvusClientV2 client =
                new MilvusClientV2(ConnectConfig.builder().uri(uri).username("root").password("rehearsal").build());
        client.createPartition(CreatePartitionReq.builder().collectionName("c").partitionName("p").build());
        client.hasPartition(HasPartitionReq.builder().collectionName("c").partitionName("p").build());
        client.dropPartition(DropPartitionReq.builder().collectionName("c").partitionName("p").build());
        client.listPartitions(ListPartitionsReq.builder().collectionName("c").build());
        client.close(1);
    }
}
