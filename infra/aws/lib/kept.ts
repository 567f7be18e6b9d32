// What outlives the stacks, when the settings say that data are kept. Nothing is kept of a first deployment until all
// of it stands (`provisional` in lib/settings.ts): one that fails goes away whole, by itself or with `DESTROY=1`.
import { RemovalPolicy } from "aws-cdk-lib";
import type { Settings } from "./settings.ts";

/** For whatever is kept. When it is new in an upgrade that fails it goes again: it is empty, and its name would be in
 *  the way of the next. */
export const kept = ({ keepData }: Settings): RemovalPolicy =>
  keepData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;

/** For what is protected against deletion besides. CloudFormation could not delete it either, and its rollback
 *  would fail with that: it stays, under a name that is nobody else's. */
export const keptAndProtected = ({ keepData }: Settings): RemovalPolicy =>
  keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
