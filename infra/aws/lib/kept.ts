// What outlives the stack, when the settings say that data are kept. That is all that keeps them: the stack has
// no protection against termination. The CDK sets it before anything is made, and a first deployment that
// fails could not be cleared away for the next one.
import { RemovalPolicy } from "aws-cdk-lib";
import type { Settings } from "./settings.ts";

/** For whatever is kept. When its first deployment fails it goes again: it is empty, and its name would be in
 *  the way of the next. */
export const kept = ({ keepData }: Settings): RemovalPolicy =>
  keepData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;

/** For what is protected against deletion besides. CloudFormation could not delete it either, and its rollback
 *  would fail with that: it stays, under a name that is nobody else's. */
export const keptAndProtected = ({ keepData }: Settings): RemovalPolicy =>
  keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
