package parity;

import io.milvus.client.MilvusServiceClient;
import io.milvus.param.ConnectParam;
import io.milvus.param.partition.CreatePartitionParam;
import io.milvus.param.partition.DropPartitionParam;
import io.milvus.param.partition.HasPartitionParam;
import io.milvus.param.partition.ShowPartitionsParam;

/** The calls that are rehearsed: those that all releases have. */
final class Calls {
    private Calls() {}

    static void make(String uri) throws InterruptedException {
        MilvusServiceClient client = new MilvusServiceClient(
                ConnectParam.newBuilder().withUri(uri).withAuthorization("root", "rehearsal").build());
        client.createPartition(CreatePartitionParam.newBuilder().withCollectionName("c").withPartitionName("p").build());
        client.hasPartition(HasPartitionParam.newBuilder().withCollectionName("c").withPartitionName("p").build());
        client.dropPartition(DropPartitionParam.newBuilder().withCollectionName("c").withPartitionName("p").build());
        client.showPartitions(ShowPartitionsParam.newBuilder().withCollectionName("c").build());
        client.close(1);
    }
}
