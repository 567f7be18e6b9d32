import { expect, it } from "vitest";
import { mayStand, memorable } from "./sheet-names";

const ana = { first: "Ana María", last: "Silva James" };

it("has the first name of somebody whose last name is asked for", () => {
  expect(mayStand(ana, ana)).toBe(true);
  expect(mayStand(ana, undefined)).toBe(true);
  expect(memorable({ first: "Rosa", last: "Silva" }, ana)).toMatch(/^rosa\.\d{3}$/);
  expect(memorable({ first: "Ana María", last: "Silva" }, ana)).toMatch(/^anamaria\.\d{3}$/);
});

it("has no only name, which is the proof", () => {
  for (const last of ["", " ", ".", "-", "LNU", "Unknown", "No last name", "xxx"]) {
    expect(mayStand({ first: "Rosa", last }, undefined), last).toBe(false);
    expect(memorable({ first: "Rosa", last }, undefined), last).toMatch(/^\d{6}$/);
    expect(mayStand({ first: "Rosa", last: "Lima" }, { first: "Rósa", last }), last).toBe(false);
    expect(mayStand({ first: "Egon", last: "Lima" }, { first: "Rosa", last }), last).toBe(true);
  }
});

it("has no first name that is one of the client’s last names", () => {
  expect(mayStand({ first: "James", last: "Cole" }, ana)).toBe(false);
  expect(memorable({ first: "James", last: "Cole" }, ana)).toMatch(/^\d{6}$/);
});

it("makes a username of signs that everybody can type", () => {
  expect(memorable({ first: "李", last: "明" }, undefined)).toMatch(/^\d{6}$/);
});
