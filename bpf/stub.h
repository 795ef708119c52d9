/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * stub - an XDP program that jumps to the one of the generation in force, for kernels that replace
 * no given program (before Linux 5.7).
 *
 * Each interface has a stub of its own, with two slots for programs; an empty slot passes
 * everything.  All stubs of a namespace share the number of the slot in force: first the free slots
 * are filled, then one update of that number switches all interfaces.
 *
 * The kernel empties the slots when nobody has them open (prog_array_map_free_uref): they are
 * pinned as long as the stub is attached, also for root.
 */
#ifndef EM_STUB_H
#define EM_STUB_H

#include <stdbool.h>
#include <stdint.h>

#define EM_STUB_NAME  "entitymux_stub"
#define EM_STUB_SLOTS 2

/* What a stub does. */
struct em_stub_state {
	uint32_t slots;			  /* the map with the number of the slot in force: its id */
	uint32_t slot;			  /* that number */
	uint32_t programs[EM_STUB_SLOTS]; /* ids; 0: none */
};

/*
 * Whether stubs are needed here: 1, 0, or -errno.  All of these functions return -errno
 * unreported.
 */
int em_stub_needed(void);

/* Whether XDP programs can be replaced, with stubs or without: 1, 0, or -errno. */
int em_stub_possible(void);
/* What is said where they cannot. */
#define EM_STUB_NO_BPFFS                                                                           \
	"this kernel replaces no XDP program in one step (Linux 5.7), and no bpffs is mounted "    \
	"that takes pins, which it could do without that (mount -t bpf bpf /sys/fs/bpf)"

/*
 * Loads and pins one that passes everything: its descriptor, the caller's to close.  Shares the
 * slot in force with the stub `like`; -1: there is none.
 */
int em_stub_load(int like);

/* Pins one that is attached, if it is not pinned any more. */
int em_stub_pin(int stub);

int em_stub_read(struct em_stub_state *out, int stub);

/* Puts a program into a slot; -1: empties it. */
int em_stub_put(int stub, uint32_t slot, int program);

/* Brings a slot into force in all stubs that share it with this one. */
int em_stub_switch(int stub, uint32_t slot);

#endif
