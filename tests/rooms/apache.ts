// Debian's Apache with mod_auth_openidc. The module introspects over TLS only, so the same Apache puts TLS in
// front of the local home.
import { join } from "node:path";
import { certify, freePorts, Running, write } from "./servers.ts";

const PROGRAM = process.env["APACHE"] || "/usr/sbin/apache2";
const MODULES = process.env["APACHE_MODULES"] || "/usr/lib/apache2/modules";
const LOADED = [
  "mpm_event",
  "authn_core",
  "authz_core",
  "authz_user",
  "headers",
  "mime",
  "dir",
  "proxy",
  "proxy_http",
  "ssl",
  "auth_openidc",
];

/** Where an Apache listens, and where it has Latchkey over TLS. */
export interface Places {
  folder: string;
  port: number;
  tlsPort: number;
  /** The portal's origin over TLS. */
  issuer: string;
}

export async function prepare(folder: string): Promise<Places> {
  const [port = 0, tlsPort = 0] = await freePorts(2);
  return { folder, port, tlsPort, issuer: `https://portal.localhost:${tlsPort}` };
}

/** Starts it with settings that stand outside of every virtual host.
 *
 *  @param portal origin of the local home's portal
 *  @param pages files that it serves, by their paths
 */
export async function apache(
  { folder, port, tlsPort }: Places,
  portal: string,
  settings: string,
  pages: Record<string, string>,
): Promise<Running> {
  write(join(folder, "pages"), pages);
  certify(folder, "portal.localhost");
  const configuration = `
ServerRoot ${folder}
ServerName 127.0.0.1
# Where it is started by root; else it stays who it is.
User www-data
Group www-data
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog error.log
Listen 127.0.0.1:${port}
Listen 127.0.0.1:${tlsPort}
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join("\n")}
TypesConfig /etc/mime.types
DocumentRoot ${folder}/pages
DirectoryIndex index.html
OIDCCABundlePath ${folder}/certificate.pem
<Directory ${folder}/pages>
    Require all granted
</Directory>
<VirtualHost 127.0.0.1:${tlsPort}>
    ServerName portal.localhost
    SSLEngine on
    SSLCertificateFile ${folder}/certificate.pem
    SSLCertificateKeyFile ${folder}/key.pem
    ProxyPass / ${portal}/
</VirtualHost>
${settings}
`;
  write(folder, { "apache.conf": configuration });
  const args = ["-f", join(folder, "apache.conf"), "-DFOREGROUND"];
  return Running.start(PROGRAM, args, { port, cwd: folder });
}
