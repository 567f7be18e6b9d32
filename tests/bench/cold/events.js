// What Lambda hands to functions, in the shapes of the services that call them.

let calls = 0;

/**
 * A request through API Gateway's HTTP API, payload format 2.0
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
 * `path` is a route's, with the values of its parameters in `parameters`. A form comes encoded, as everything that
 * is neither text nor JSON.
 */
export function request(method, path, { parameters = {}, query = {}, cookie, origin, authorization, body, form }) {
  const rawPath = path.replace(/\{(\w+)\}/g, (_, name) => parameters[name]);
  const routeKey = `${method} ${path}`;
  // Each from an address of its own: failures are counted by address, and so are requests for resets.
  const address = `10.${(calls >> 16) & 255}.${(calls >> 8) & 255}.${calls++ & 255}`;
  const text = form ? String(new URLSearchParams(form)) : body && JSON.stringify(body);
  const media = form ? "application/x-www-form-urlencoded" : "application/json";
  const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  return {
    version: "2.0",
    routeKey,
    rawPath,
    rawQueryString: String(new URLSearchParams(query)),
    ...(cookie && { cookies: [cookie] }),
    headers: {
      accept: "application/json",
      "cloudfront-viewer-address": `${address}:50000`,
      host: "abcdefghij.execute-api.us-east-1.amazonaws.com",
      "sec-fetch-site": "same-origin",
      "user-agent": agent,
      "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
      "x-forwarded-for": address,
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
      ...(origin && { origin }),
      ...(authorization && { authorization }),
      ...(text && { "content-type": media, "content-length": String(text.length) }),
    },
    ...(Object.keys(query).length && { queryStringParameters: query }),
    ...(Object.keys(parameters).length && { pathParameters: parameters }),
    requestContext: {
      accountId: "123456789012",
      apiId: "abcdefghij",
      domainName: "abcdefghij.execute-api.us-east-1.amazonaws.com",
      domainPrefix: "abcdefghij",
      http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: address, userAgent: agent },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey,
      stage: "$default",
      time: "12/Mar/2026:19:03:58 +0000",
      timeEpoch: Date.now(),
    },
    ...(text && { body: form ? Buffer.from(text).toString("base64") : text }),
    isBase64Encoded: Boolean(form),
  };
}

/** One new item of a table, as its stream brings it. */
export function inserted(item) {
  return {
    Records: [
      {
        eventID: "c4ca4238a0b923820dcc509a6f75849b",
        eventName: "INSERT",
        eventVersion: "1.1",
        eventSource: "aws:dynamodb",
        awsRegion: "us-east-1",
        eventSourceARN: "arn:aws:dynamodb:us-east-1:123456789012:table/latchkey/stream/2026-01-01T00:00:00.000",
        dynamodb: {
          ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
          Keys: { PK: item.PK, SK: item.SK },
          NewImage: item,
          SequenceNumber: "111",
          SizeBytes: JSON.stringify(item).length,
          StreamViewType: "NEW_AND_OLD_IMAGES",
        },
      },
    ],
  };
}

/** What SES tells EventBridge of a mail that has arrived. */
export function delivered(mail, tags) {
  const timestamp = new Date().toISOString();
  return {
    version: "0",
    id: "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Email Delivered",
    source: "aws.ses",
    account: "123456789012",
    time: timestamp,
    region: "us-east-1",
    resources: ["arn:aws:ses:us-east-1:123456789012:configuration-set/latchkey"],
    detail: {
      eventType: "Delivery",
      mail: {
        timestamp,
        source: "no-reply@latchkey.example",
        sendingAccountId: "123456789012",
        messageId: "0100018f2b1c5d3e-1f2e3d4c-5b6a-7980-a1b2-c3d4e5f60718-000000",
        destination: [mail],
        headersTruncated: false,
        tags: Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, [value]])),
      },
      delivery: {
        timestamp,
        processingTimeMillis: 411,
        recipients: [mail],
        smtpResponse: "250 2.6.0 Message received",
        reportingMTA: "a8-50.smtp-out.amazonses.com",
      },
    },
  };
}
