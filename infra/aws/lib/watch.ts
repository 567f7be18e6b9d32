// What somebody is woken for, and one page that shows how things go. Alarms are few: each has a heading in
// the README that says what to do.
import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  Metric,
  Stats,
  TreatMissingData,
  type IMetric,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Api } from "./api.ts";
import type { Archivist } from "./archivist.ts";
import type { Data } from "./data.ts";
import type { Functions } from "./functions.ts";
import { STREAMED, type Streamed } from "./keys.ts";
import type { Mail } from "./mail.ts";
import type { Notices } from "./notices.ts";
import type { Settings } from "./settings.ts";
import { TIERS } from "./tiers.ts";

const FIVE_MINUTES = Duration.minutes(5);

export class Watch extends Construct {
  readonly topic: Topic;
  private readonly alarms: readonly string[] | undefined;

  constructor(
    scope: Construct,
    id: string,
    settings: Settings,
    parts: { api: Api; archivist: Archivist; data: Data; functions: Functions; mail: Mail; notices: Notices },
  ) {
    super(scope, id);
    const { api, archivist, data, functions, mail, notices } = parts;
    const { alarms: chosen, dashboard } = TIERS[settings.tier];
    this.alarms = chosen;
    this.topic = new Topic(this, "Alarms", { masterKey: data.key, enforceSSL: true });
    this.topic.addSubscription(new EmailSubscription(settings.alarms));
    // A topic with a policy of its own has lost the one that let its account in.
    const alarms = {
      sid: "AlarmsReachTheirTopic",
      principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
      conditions: {
        StringEquals: { "aws:SourceAccount": Stack.of(this).account },
        ArnLike: {
          "aws:SourceArn": Stack.of(this).formatArn({
            service: "cloudwatch",
            resource: "alarm",
            resourceName: "*",
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        },
      },
    };
    this.topic.addToResourcePolicy(
      new PolicyStatement({ ...alarms, actions: ["sns:Publish"], resources: [this.topic.topicArn] }),
    );
    data.key.addToResourcePolicy(
      new PolicyStatement({ ...alarms, actions: ["kms:Decrypt", "kms:GenerateDataKey*"], resources: ["*"] }),
    );

    const all = functions.all();
    const ours = (metricName: string) =>
      new Metric({
        namespace: "Latchkey",
        metricName,
        period: FIVE_MINUTES,
        statistic: Stats.SUM,
        dimensionsMap: { deployment: settings.deployment },
      });
    const account = (metricName: string) =>
      new Metric({ namespace: "AWS/Lambda", metricName, period: FIVE_MINUTES, statistic: Stats.SUM });
    const requests = (metricName: string, statistic: string) =>
      new Metric({
        namespace: "AWS/ApiGateway",
        metricName,
        dimensionsMap: { ApiId: api.api.apiId, Stage: "$default" },
        period: FIVE_MINUTES,
        statistic,
      });
    const reputation = (metricName: string) =>
      new Metric({ namespace: "AWS/SES", metricName, period: Duration.hours(1), statistic: Stats.AVERAGE });
    const age = (metric: Metric) => metric.with({ period: FIVE_MINUTES, statistic: Stats.MAXIMUM });
    const iterator = (functionName: string) =>
      age(
        new Metric({
          namespace: "AWS/Lambda",
          metricName: "IteratorAge",
          dimensionsMap: { FunctionName: functionName },
        }),
      );

    this.alarm(
      "Failures",
      "The API fails: five answers of 5xx within five minutes",
      requests("5xx", Stats.SUM),
      5,
    );
    this.alarm("Errors", "A function fails without an answer", account("Errors"), 3);
    this.alarm("Throttles", "Functions are kept from running", account("Throttles"), 10);
    const turnedAway = api.turnedAway.with({ period: FIVE_MINUTES });
    this.alarm("TurnedAway", "The API turns requests away: it is asked for too much", turnedAway, 10);
    const stream = (name: Streamed) => iterator(functions.get(name).functionName);
    const QUARTER = 15 * 60_000;
    this.alarm("MailStream", "Mails wait in the stream for a quarter of an hour", stream("send-mail"), QUARTER);
    this.alarm(
      "NoticeStream",
      "Notices to apps wait in the stream for a quarter of an hour",
      stream("deliver"),
      QUARTER,
    );
    this.alarm(
      "ArchiveStream",
      "The history is not being archived",
      iterator(archivist.copier.functionName),
      60 * 60_000,
    );
    const behind = archivist.archiveBehind.with({ period: Duration.days(1) });
    this.alarm("ArchiveBehind", "What was written to the history is not in its archive", behind, 1);
    const changed = archivist.historyChanged.with({ period: FIVE_MINUTES });
    this.alarm("HistoryChanged", "The history was changed or deleted from in its table", changed, 1);
    const waiting = (queue: Queue) =>
      queue.metricApproximateNumberOfMessagesVisible({ period: FIVE_MINUTES, statistic: Stats.MAXIMUM });
    this.alarm("MailGivenUp", "The stream gave up on a mail: see outbox show", waiting(mail.failed), 1);
    // Such a mail is not tried again: SES will never take it, or has not taken it for three days.
    this.alarm("MailRefused", "SES refuses a mail for good", ours("MailsRefused"), 1);
    this.alarm("EventsGivenUp", "It is not known what became of some mails", waiting(mail.failedEvents), 1);
    this.alarm(
      "NoticesGivenUp",
      "An app has not listened for minutes when it was told what ended: see outbox show",
      waiting(notices.failed),
      1,
    );
    // SES pauses an account at a bounce rate of 10 % and a complaint rate of 0.5 %, and reviews it at half.
    this.alarm("Bounces", "More than one mail in twenty bounces", reputation("Reputation.BounceRate"), 0.05);
    this.alarm(
      "Complaints",
      "More than one mail in a thousand is reported as spam",
      reputation("Reputation.ComplaintRate"),
      0.001,
    );
    const jobs = (metricName: string) =>
      new Metric({
        namespace: "AWS/Backup",
        metricName,
        dimensionsMap: { ResourceType: "DynamoDB" },
        period: Duration.hours(1),
        statistic: Stats.SUM,
      });
    this.alarm("Backups", "A backup was not made", jobs("NumberOfBackupJobsFailed"), 1);
    if (settings.backupCopies)
      this.alarm("BackupCopies", "A backup was not copied", jobs("NumberOfCopyJobsFailed"), 1);
    this.alarm("Lockouts", "Many usernames are being guessed at", ours("Lockouts"), 20);

    if (dashboard === "none") return;
    const large = dashboard === "large";
    const graph = (title: string, left: IMetric[], right: IMetric[] = []) =>
      new GraphWidget({ title, left, right, width: 12, height: 6 });
    const driven = [...Object.keys(STREAMED), "mail-events"];
    const called = all.filter(([name]) => !driven.includes(name));
    const byFunction = (metricName: string) =>
      graph(
        `${metricName} by function`,
        all.map(([, fn]) => fn.metric(metricName, { period: FIVE_MINUTES, statistic: Stats.SUM })),
      );
    new Dashboard(this, "Dashboard", {
      dashboardName: settings.deployment,
      widgets: [
        [
          graph(
            "Requests, and how long they take",
            [requests("Count", Stats.SUM)],
            ["p50", "p99"].map((p) => requests("Latency", p)),
          ),
          graph("Refusals and failures", [
            requests("4xx", Stats.SUM),
            requests("5xx", Stats.SUM),
            turnedAway,
            ours("Failures"),
          ]),
        ],
        [
          large
            ? graph(
                "Duration by function, p99",
                called.map(([, fn]) => fn.metricDuration({ period: FIVE_MINUTES, statistic: "p99" })),
              )
            : graph("Errors and throttles of functions", ["Errors", "Throttles"].map(account)),
          graph("Lockouts", [ours("Lockouts")]),
        ],
        [
          graph(
            "Mails",
            ["Sent", "Failed", "Refused", "Delivered", "Bounced", "Complained"].map((what) => ours(`Mails${what}`)),
          ),
          graph(
            "Age of streams",
            [stream("send-mail"), stream("deliver"), iterator(archivist.copier.functionName)],
            [mail.failed, mail.failedEvents, notices.failed].map(waiting),
          ),
        ],
        ...(large ? [["Errors", "Throttles"].map(byFunction)] : []),
      ],
    });
  }

  private alarm(id: string, alarmDescription: string, metric: IMetric, threshold: number): void {
    if (this.alarms && !this.alarms.includes(id)) return;
    new Alarm(this, id, {
      alarmDescription,
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new SnsAction(this.topic));
  }
}
