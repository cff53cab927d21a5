import { AwsClient } from "aws4fetch";
import type { LfsPresigner } from "../ports/lfs.ts";

/** Access to the bucket through its S3 address: secrets of the deployment. */
export interface R2Credentials {
  /** `https://<account>.r2.cloudflarestorage.com`, or another S3 address, without the bucket. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const EXPIRES_SEC = 60 * 60;

/**
 * Addresses signed with AWS Signature Version 4 in the query. An upload must carry the hash of its content, which the
 * storage checks while it arrives.
 * Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export function createR2Presigner(credentials: R2Credentials, now: () => number = Date.now): LfsPresigner {
  const { accessKeyId, secretAccessKey } = credentials;
  const client = new AwsClient({ accessKeyId, secretAccessKey, service: "s3", region: "auto" });
  const sign = async (method: "PUT" | "GET", key: string, header: Record<string, string>) => {
    const url = new URL(`${credentials.endpoint}/${credentials.bucket}/${key}`);
    url.searchParams.set("X-Amz-Expires", String(EXPIRES_SEC));
    const datetime = new Date(now()).toISOString().replace(/[:-]|\.\d{3}/g, "");
    const aws = { signQuery: true, allHeaders: true, datetime };
    const signed = await client.sign(url.href, { method, headers: header, aws });
    return { href: signed.url, header, expiresIn: EXPIRES_SEC };
  };
  return {
    upload: ({ key, oid }) =>
      sign("PUT", key, { "x-amz-checksum-sha256": Buffer.from(oid, "hex").toString("base64") }),
    download: ({ key }) => sign("GET", key, {}),
  };
}
