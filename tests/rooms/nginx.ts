// Debian's nginx, on the portal's own host by another port: cookies are of a host, whatever the port.
import { join } from "node:path";
import { Running, write } from "./servers.ts";

const PROGRAM = process.env["NGINX"] || "/usr/sbin/nginx";

/** What it buffers, each in a folder. */
const BUFFERS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** Starts it with settings that stand in a server block. */
export function nginx(folder: string, port: number, settings: string): Promise<Running> {
  const configuration = `
daemon off;
worker_processes 1;
error_log stderr;
pid ${folder}/pid;
events {}
http {
    access_log off;
    default_type text/html;
${BUFFERS.map((name) => `    ${name}_temp_path ${folder}/${name};`).join("\n")}
    server {
        listen 127.0.0.1:${port};
        server_name portal.localhost;
${settings}
    }
}
`;
  write(folder, { "nginx.conf": configuration });
  const args = ["-c", join(folder, "nginx.conf"), "-p", folder, "-e", "stderr"];
  return Running.start(PROGRAM, args, { port, cwd: folder });
}
