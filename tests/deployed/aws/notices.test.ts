// Notices to apps on the way that the two homes do not share: what the stream missed.
import { DynamoDBClient, GetItemCommand, PutItemCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { SORT_KEYS_BEGIN } from "../../../infra/aws/lib/keys.ts";
import { until } from "../home.ts";
import { Desk } from "../people.ts";
import { Room } from "../room.ts";
import { Deployed, earlier } from "./account.ts";

interface Waiting {
  dynamodb: { Keys: { PK: AttributeValue; SK: { S: string } } };
}

test("a notice that the stream missed is swept up, once it is old enough", async () => {
  const dynamodb = new DynamoDBClient({});
  const dana = await Desk.open("dana@harbor.example");
  const deliver = await Deployed.find("deliver");
  const room = await Room.open(dana);
  const { client, user, visitor } = await dana.enrolled();
  const state = async () => (await dana.users(client)).portalUsers[0].apps[0].state;
  await deliver.onStream(false);
  try {
    await room.tokens(visitor);
    await dana.change(client, user, "revoke");
    const TableName = deliver.table;
    const items = (await deliver.notices()).map(async (record) => {
      const { Keys: Key } = (record as unknown as Waiting).dynamodb;
      return (await dynamodb.send(new GetItemCommand({ TableName, Key }))).Item!;
    });
    const ours = (await Promise.all(items)).find((item) => JSON.stringify(item["about"]).includes(client.clientId))!;
    await deliver.invoke({ sweep: true });
    expect(await state()).toBe("telling");
    // The same notice, of five minutes ago.
    const id = ours["SK"]!.S!.slice(SORT_KEYS_BEGIN.notice.length);
    const SK = { S: `${SORT_KEYS_BEGIN.notice}${earlier(id, 5 * 60_000)}` };
    await dynamodb.send(new PutItemCommand({ TableName, Item: { ...ours, SK } }));
    await deliver.invoke({ sweep: true });
    // It has no address to be told at. (The sweep of the schedule may have been the first.)
    await until("staff to see it", async () => (await state()) === "failed");
  } finally {
    await deliver.onStream(true);
    await room.close(dana);
  }
});
