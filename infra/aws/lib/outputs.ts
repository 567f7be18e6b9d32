/** What the ops commands ask the stacks for, by output: that of the data, and the one beside it. */
export const OF_DATA = ["Table", "HistoryTable", "ArchiveBucket"] as const;
export const OUTPUTS = [
  "StaffSite",
  "PortalSite",
  // CloudFront's own names, which lead to the sites in any case.
  "StaffDistribution",
  "PortalDistribution",
  "SiteBucket",
  "StaffPool",
  "FailedMails",
  "FailedEvents",
  "FailedNotices",
  "SendMail",
  "MailEvents",
  "Deliver",
  "ApiHost",
  // What was published of the keys when this was deployed: the next step of a turn asks for it.
  "VerifyingKeys",
  "SigningVersion",
  "OriginDigests",
  "OriginVersion",
] as const;
export type Output = (typeof OUTPUTS)[number] | (typeof OF_DATA)[number];
