// `make deploy DESTROY=1`, which is `npm run ops -- down`: undoes a try-out wholly. Of patients it undoes nothing.
import {
  BackupClient,
  DeleteRecoveryPointCommand,
  ListRecoveryPointsByBackupVaultCommand,
  type ListRecoveryPointsByBackupVaultCommandOutput,
  ResourceNotFoundException,
} from "@aws-sdk/client-backup";
import { paginateListStackResources } from "@aws-sdk/client-cloudformation";
import { DeleteObjectsCommand, ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from "@aws-sdk/client-s3";
import { DeleteSecretCommand, DescribeSecretCommand } from "@aws-sdk/client-secrets-manager";
import { DeleteParametersCommand } from "@aws-sdk/client-ssm";
import type { Asker } from "./ask.ts";
import { forget, isProtected, keepsTables, remove, stackOf, type End } from "./cloudformation.ts";
import { Refusal, type Deployment } from "./deployment.ts";
import { walk, plan, type Step } from "./steps.ts";

export async function down(d: Deployment, asker?: Asker): Promise<void> {
  const { deployment, use, keepData, region } = d.settings;
  if (use === "patients")
    throw new Refusal(`${deployment} is for patients: their data are kept, and nothing here takes them away. See infra/aws/README.md, Getting rid of it. If its first deployment never came to its end, set "use" to "try-out" and say this again.`);
  if (keepData) throw new Refusal(`"keepData" is true: set it to false and deploy, then say this again.`);
  if ((await isProtected(d)) || (await keepsTables(d)))
    throw new Refusal(`${deployment} is protected or kept in the account, as one for patients is. If it is a try-out now, deploy it as one first.`);
  const steps = undoing(d);
  await plan(steps, d.say);
  if (asker) {
    asker.say(`\nEverybody and everything of ${deployment} in ${region} goes, and nobody can bring it back.`);
    if ((await asker.ask(`Type ${deployment} to go on: `)).trim() !== deployment) throw new Refusal("Nothing was taken away.");
  }
  await walk(steps, d.say, "make deploy DESTROY=1");
  d.say(`\nNothing of ${deployment} is left but its encryption key, which KMS deletes in 30 days, and what CDK's bootstrap made for the whole account (the stack CDKToolkit).`);
  const ofClient = d.settings.issuer?.clientSecretName;
  if (ofClient) d.say(`The secret ${ofClient}, which the issuer gave its client, is left too: another deployment may use it.`);
}

/** What was made last goes first. */
export function undoing(d: Deployment): Step[] {
  const { deployment } = d.settings;
  const stack = (name: string, end: End, before?: () => Promise<void>): Step => ({
    name,
    plan: () => `delete the stack ${deployment}${end}${before ? ", and what it holds" : ""}`,
    done: async () => (await stackOf(d, end)) === undefined,
    run: async () => {
      await before?.();
      await remove(d, end);
    },
  });
  return [
    stack("plans", "-plans"),
    stack("access log", "-access-log"),
    // Also the functions, so that nobody writes any more what the next steps delete.
    stack("app", "", () => emptyBuckets(d, "")),
    stack("data", "-data", async () => {
      await emptyBuckets(d, "-data");
      await emptyVault(d);
    }),
    stack("firewall", "-firewall"),
    {
      name: "keys",
      plan: () => "delete keys, secrets and parameters",
      done: async () => (await keysLeft(d)).length === 0,
      run: async () => {
        await forget(d);
        for (const SecretId of await secretsLeft(d))
          await d.secrets.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }));
        await d.ssm.send(new DeleteParametersCommand({ Names: parameters(d) }));
      },
    },
  ];
}

const parameters = ({ names }: Deployment) => Object.values(names).filter((name) => name.startsWith("/"));

async function secretsLeft(d: Deployment): Promise<string[]> {
  const left: string[] = [];
  // Not the one of the issuer's client: its name is the operator's own, and another deployment may have the same.
  for (const SecretId of [d.names.signingKey, d.names.tokenSecret, d.names.originSecret]) {
    try {
      const { DeletedDate } = await d.secrets.send(new DescribeSecretCommand({ SecretId }));
      if (!DeletedDate) left.push(SecretId);
    } catch (error) {
      if ((error as Error).name !== "ResourceNotFoundException") throw error;
    }
  }
  return left;
}

async function keysLeft(d: Deployment): Promise<string[]> {
  const left = await secretsLeft(d);
  for (const name of parameters(d)) if (await d.parameter(name)) left.push(name);
  return left;
}

/** The names of a stack's resources of a type. */
async function resources(d: Deployment, end: End, type: string): Promise<string[]> {
  const found: string[] = [];
  const pages = paginateListStackResources({ client: d.cloudFormation }, { StackName: d.settings.deployment + end });
  for await (const { StackResourceSummaries = [] } of pages) {
    for (const { ResourceType, ResourceStatus, PhysicalResourceId } of StackResourceSummaries)
      if (ResourceType === type && ResourceStatus !== "DELETE_COMPLETE" && PhysicalResourceId) found.push(PhysicalResourceId);
  }
  return found;
}

/** Deletes every version of every object: CloudFormation deletes no bucket that has one. A try-out's archive holds them
 *  for a day from everybody who may not say otherwise. */
async function emptyBuckets(d: Deployment, end: End): Promise<void> {
  for (const Bucket of await resources(d, end, "AWS::S3::Bucket")) {
    for (;;) {
      const { Versions = [], DeleteMarkers = [] } = await d.s3
        .send(new ListObjectVersionsCommand({ Bucket }))
        .catch((error: Error): Pick<ListObjectVersionsCommandOutput, "Versions" | "DeleteMarkers"> => {
          if (error.name === "NoSuchBucket") return {};
          throw error;
        });
      const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (!Objects.length) break;
      const { Errors = [] } = await d.s3.send(
        new DeleteObjectsCommand({
          Bucket,
          Delete: { Objects, Quiet: true },
          ...(end === "-data" && { BypassGovernanceRetention: true }),
        }),
      );
      if (Errors[0]) throw new Refusal(`${Bucket}: ${Errors[0].Key} is not deleted: ${Errors[0].Message}`);
    }
  }
}

async function emptyVault(d: Deployment): Promise<void> {
  const backup = new BackupClient({ region: d.settings.region });
  for (const BackupVaultName of await resources(d, "-data", "AWS::Backup::BackupVault")) {
    for (;;) {
      const { RecoveryPoints = [] } = await backup
        .send(new ListRecoveryPointsByBackupVaultCommand({ BackupVaultName }))
        .catch((error: Error): Pick<ListRecoveryPointsByBackupVaultCommandOutput, "RecoveryPoints"> => {
          if (error instanceof ResourceNotFoundException) return {};
          throw error;
        });
      if (!RecoveryPoints.length) break;
      for (const { RecoveryPointArn } of RecoveryPoints)
        await backup.send(new DeleteRecoveryPointCommand({ BackupVaultName, RecoveryPointArn }));
      // They are listed for a while after.
      await d.wait(5000);
    }
  }
}
