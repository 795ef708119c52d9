/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "bpf/clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <unistd.h>

int em_clock_try_jiffies(void)
{
	const struct bpf_insn sample[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "entitymux_try", "GPL", sample,
			       sizeof(sample) / sizeof(sample[0]), NULL);

	/* The verifier says so of a function that it does not know. */
	if (fd == -EINVAL)
		return 0;
	if (fd < 0)
		return fd;
	close(fd);
	return 1;
}
