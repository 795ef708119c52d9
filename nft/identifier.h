/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * identifier - what our chains and objects are called.
 *
 * A name tells the generation that it belongs to, so that one that is no longer in force can be
 * taken away by what is there, without knowing its policy.
 */
#ifndef EM_NFT_IDENTIFIER_H
#define EM_NFT_IDENTIFIER_H

#include <stdint.h>

/* With the NUL; NFT_NAME_MAXLEN of the kernel. */
#define EM_IDENTIFIER_MAX 256

/* "v1-check3-telemetry" is { 1, "check", 3, 0, "telemetry" }. */
struct em_identifier {
	uint32_t generation; /* 0: the same for all, no "vN-" */
	const char *role;    /* static */
	uint32_t number;     /* 0: none */
	uint16_t part;	     /* 0: none; ".2" after the number */
	const char *owner;   /* name of a listener or an interface; not owned; NULL: none */
	const char
		*format; /* of the listener: its name; NULL or "": none; "/name" behind the owner */
};

/*
 * Writes it in the letters that an nft identifier may have; other bytes of an interface's name
 * become "/hh", which no interface's name holds.  Returns text.
 */
const char *em_identifier_format(const struct em_identifier *identifier,
				 char text[EM_IDENTIFIER_MAX]);

/* The owner in a name of this role, "telemetry" in "v1-tags-telemetry"; NULL: not of this role. */
const char *em_identifier_owner(const char *text, const char *role);

/* The generation that a name of ours starts with; 0: it carries none. */
uint32_t em_identifier_generation(const char *text);

#endif
