// Logout notices on their way to apps: the table's stream and a sweep every minute drive `deliver`, which reaches out to
// addresses that admins of the practice have registered.
import { Duration } from "aws-cdk-lib";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Data } from "./data.ts";
import { DELIVERIES, type Functions } from "./functions.ts";
import { drive, failures } from "./outbox.ts";

export class Notices extends Construct {
  /** Where a record of the stream goes when an app has not listened for minutes. It is kept for as long as an app is
   *  told again, so that the alarm about it ends by itself. */
  readonly failed: Queue;

  constructor(scope: Construct, id: string, data: Data, functions: Functions) {
    super(scope, id);
    this.failed = failures(this, "Failed", data, Duration.days(1));
    drive(this, "deliver", data, functions, {
      // An app that does not listen is due again 5, 15, 35 and 75 seconds after the first try. The sweep looks at no
      // notice that young, so these tries are the stream's, which asks as often as it likes. From two minutes on the
      // notice is the sweep's: the notices behind it have waited for long enough.
      maxRecordAge: Duration.minutes(2),
      // Notices do not wait for those before them, of an app that does not answer. One delivery is left to the sweep.
      parallelizationFactor: DELIVERIES - 1,
      sweep: Duration.minutes(1),
      description: "tells apps again, and those that the table's stream missed",
      failed: this.failed,
    });
  }
}
