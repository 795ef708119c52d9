/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * pins - programs and maps opened by their ids, also without CAP_SYS_ADMIN.
 *
 * An interface tells the id of what is attached to it, and the kernel lets only CAP_SYS_ADMIN open
 * a program or a map by its id. For everybody else they are pinned to a bpffs, under their ids:
 *
 * BPFFS/entitymux/ is the folder, with the lock over all that is below it. In it is one folder
 * net-INODE/ for each network namespace, with the files `alive`, which tells whether that namespace
 * is still there, map-ID and prog-ID.
 *
 * A pin alone says nothing: what is ours and in force is what the interfaces report. The kernel
 * gives an id to no other object while there is a pin, so that a wrong object cannot be found.
 */
#ifndef EM_PINS_H
#define EM_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel opens objects by id for us: no pin is needed. */
bool em_pins_unneeded(void);

/*
 * Whether there is a bpffs that would take a pin, tried without side effects; or -errno,
 * unreported.
 */
int em_pins_possible(void);

/*
 * A descriptor, the caller's to close, or -errno, unreported: -ENOENT where it is gone, -EPERM
 * where that needs CAP_SYS_ADMIN and it is not pinned.
 */
int em_pins_open_program(uint32_t id);
int em_pins_open_map(uint32_t id);

/* The id of a program that is open.  Returns 0 or -errno, unreported. */
int em_pins_program_id(int fd, uint32_t *id);

/* What is to be found again; descriptors. */
struct em_pins {
	const int *maps;
	const int *programs;
	size_t n_maps;
	size_t n_programs;
};

/*
 * Pins them, and in this order, so that a program is found with its maps or not at all.  Returns
 * 0, also where it fails and was unneeded, or -errno, unreported.
 */
int em_pins_add(const struct em_pins *pins);

/*
 * Removes the pins of this network namespace but for programs with these ids and their maps; and
 * all pins of namespaces that are gone, as far as that is permitted.  Root also removes those of
 * other users.  Returns 0 or -errno,
 * unreported.
 */
int em_pins_sweep(const uint32_t *programs, size_t n);

#endif
