import { describe, expect, it } from "vitest";
import { findAddressFault, parseAllowedHosts } from "./public-address.ts";

const NOBODY = { allowedHosts: new Set<string>() };
const find = (url: string) => findAddressFault(url, NOBODY);

describe("an address that a server may call for its users", () => {
  it.each([
    "https://github.com/o/r.git",
    "https://gitlab.example.org:8443/g/p.git",
    "http://8.8.8.8/",
    "https://172.15.255.255/",
    "https://172.32.0.1/",
    "https://100.63.255.255/",
    "https://[2606:4700:4700::1111]/",
    "https://localhost.example.org/",
    "https://internal.example.org/",
  ])("may be public: %s", (url) => expect(find(url)).toBeNull());

  it.each([
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0:8080/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data",
    "http://169.254.169.254/latest/meta-data",
    "http://192.0.0.192/",
    "http://198.19.255.255/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:1::]/",
    "http://[2001:db8::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://①②⑦.0.0.1/",
  ])("is refused when it is private or special: %s", (url) =>
    expect(find(url)).toBe("is not a public address"),
  );

  it.each([
    "http://localhost/",
    "http://LOCALHOST./",
    "http://x.localhost/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://router/",
    "http://nas.home.arpa/",
  ])("is refused when the name is one of a private network: %s", (url) =>
    expect(find(url)).toBe("is not the name of a public host"),
  );

  it("must be a URL of HTTP without credentials", () => {
    expect(find("git.example.org/x")).toBe("is not an absolute URL");
    expect(find("file:///etc/passwd")).toBe("must be an http or https URL");
    expect(find("ssh://git.example.org/x")).toBe("must be an http or https URL");
    expect(find("https://user:pw@git.example.org/x")).toBe("must not contain credentials");
    expect(find("https://token@git.example.org/x")).toBe("must not contain credentials");
  });
});

describe("the hosts that an operator allows", () => {
  const rules = { allowedHosts: parseAllowedHosts("Git.Corp, 127.0.0.1:8080\n[::1]") };

  it("may be private, with any port or with one", () => {
    expect(findAddressFault("https://git.corp:8443/x", rules)).toBeNull();
    expect(findAddressFault("http://127.0.0.1:8080/x", rules)).toBeNull();
    expect(findAddressFault("http://[::1]:9/x", rules)).toBeNull();
  });

  it("do not open others", () => {
    expect(findAddressFault("http://127.0.0.1:8081/x", rules)).toBe("is not a public address");
    expect(findAddressFault("http://git.corp.local/x", rules)).toBe("is not the name of a public host");
    expect(findAddressFault("http://u:p@git.corp/x", rules)).toBe("must not contain credentials");
  });

  it("are none when nothing is set", () => expect(parseAllowedHosts(undefined).size).toBe(0));
});
