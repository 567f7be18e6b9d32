// Mail on its way out, what asks for it, and what becomes of it: the table's stream and a sweep every five minutes drive
// `send-mail`; SES tells `mail-events` of deliveries, bounces and complaints.
import { Duration, Stack, Token } from "aws-cdk-lib";
import { EventBus, Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Effect, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { CfnFunction } from "aws-cdk-lib/aws-lambda";
import {
  ConfigurationSet,
  ConfigurationSetTlsPolicy,
  EmailIdentity,
  EmailSendingEvent,
  EventDestination,
  Identity,
  SuppressionReasons,
} from "aws-cdk-lib/aws-ses";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Data } from "./data.ts";
import type { Functions } from "./functions.ts";
import { known } from "./known.ts";
import { drive, failures } from "./outbox.ts";
import type { Settings } from "./settings.ts";

export class Mail extends Construct {
  /** Where a record of the stream goes when its mail could not be sent for an hour. */
  readonly failed: Queue;
  /** Events of SES that could not be handled, whole. */
  readonly failedEvents: Queue;
  readonly configurationSet: ConfigurationSet;

  constructor(scope: Construct, id: string, settings: Settings, data: Data, functions: Functions) {
    super(scope, id);
    if (!settings.senderIdentity) {
      const domain = settings.sender.slice(settings.sender.indexOf("@") + 1);
      new EmailIdentity(this, "Identity", { identity: Identity.domain(domain) });
    }
    this.configurationSet = new ConfigurationSet(this, "Set", {
      tlsPolicy: ConfigurationSetTlsPolicy.REQUIRE,
      reputationMetrics: true,
      suppressionReasons: SuppressionReasons.BOUNCES_AND_COMPLAINTS,
    });
    this.configurationSet.addEventDestination("Events", {
      destination: EventDestination.eventBus(EventBus.fromEventBusName(this, "Bus", "default")),
      events: [
        EmailSendingEvent.DELIVERY,
        EmailSendingEvent.BOUNCE,
        EmailSendingEvent.COMPLAINT,
        EmailSendingEvent.REJECT,
        EmailSendingEvent.RENDERING_FAILURE,
      ],
    });

    data.key.addToResourcePolicy(
      new PolicyStatement({
        sid: "EventsThatFailedReachTheirQueue",
        principals: [new ServicePrincipal("events.amazonaws.com")],
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: ["*"],
        // The queue, which SQS names as it asks KMS. For whom EventBridge sends, KMS does not learn (so AWS says
        // of topics): a condition on `aws:SourceAccount` could lose the very events that failed.
        conditions: {
          ArnLike: {
            "kms:EncryptionContext:aws:sqs:arn": Stack.of(this).formatArn({ service: "sqs", resource: "*" }),
          },
        },
      }),
    );
    this.failed = failures(this, "Failed", data, Duration.days(14));
    this.failedEvents = failures(this, "FailedEvents", data, Duration.days(14));
    this.send(settings, data, functions);
    this.note(functions);
  }

  private send(settings: Settings, data: Data, functions: Functions): void {
    const sender = functions.get("send-mail");
    sender.addEnvironment("MAIL_FROM", settings.sender);
    sender.addEnvironment("MAIL_CONFIGURATION_SET", this.configurationSet.configurationSetName);
    sender.addEnvironment("MAILS_A_SECOND", String(settings.mailsASecond));
    const ses = (resource: string, resourceName: string) =>
      Stack.of(this).formatArn({ service: "ses", resource, resourceName });
    // As one sender, whose address says which identity it is. Any identity is named because SES, while the
    // account is in its sandbox, asks for the same right to the identity of whoever a mail goes to.
    sender.addToRolePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ["ses:SendEmail"],
        resources: [
          ses("identity", "*"),
          ses("configuration-set", this.configurationSet.configurationSetName),
        ],
        conditions: { StringEquals: { "ses:FromAddress": settings.sender } },
      }),
    );
    if (sender.role) {
      const { account, region } = Stack.of(this);
      const ours = Token.isUnresolved(account) ? "<AWS::AccountId>" : account;
      known(sender.role, {
        [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ses:${region}:${ours}:identity/*]`]:
          "the sender is a condition, and says which identity",
      });
    }
    drive(this, "send-mail", data, functions, {
      // A leased mail comes free after a minute; what has failed for an hour is the sweep's.
      retryAttempts: 10,
      maxRecordAge: Duration.hours(1),
      sweep: Duration.minutes(5),
      description: "sends what the table's stream missed",
      failed: this.failed,
    });
  }

  /** EventBridge hands an event over without waiting. It keeps those that it cannot hand over; those that the
   *  function fails at, Lambda does, after two more tries. Both keep the event as it came. */
  private note(functions: Functions): void {
    const noter = functions.get("mail-events");
    (noter.node.defaultChild as CfnFunction).deadLetterConfig = { targetArn: this.failedEvents.queueArn };
    noter.addToRolePolicy(
      new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [this.failedEvents.queueArn] }),
    );
    new Rule(this, "Outcomes", {
      description: "Latchkey: what became of its mails",
      eventPattern: {
        source: ["aws.ses"],
        detail: { mail: { tags: { "ses:configuration-set": [this.configurationSet.configurationSetName] } } },
      },
      targets: [
        new LambdaFunction(noter, {
          deadLetterQueue: this.failedEvents,
          maxEventAge: Duration.hours(6),
          retryAttempts: 20,
        }),
      ],
    });
  }
}
