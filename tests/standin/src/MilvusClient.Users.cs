using Proto = Milvus.Client.Grpc;

namespace Milvus.Client;

public sealed partial class MilvusClient
{
    public async Task CreateUserAsync(string username, string password, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(username);
        Arguments.NotBlank(password);
        Proto.CreateCredentialRequest request = new() { Username = username, Password = Base64(password) };
        await SendAsync(Service.CreateCredentialAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteUserAsync(string username, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(username);
        Proto.DeleteCredentialRequest request = new() { Username = username };
        await SendAsync(Service.DeleteCredentialAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task UpdatePassword(
        string username, string oldPassword, string newPassword, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(username);
        Arguments.NotBlank(oldPassword);
        Arguments.NotBlank(newPassword);
        Proto.UpdateCredentialRequest request = new()
        {
            Username = username,
            OldPassword = Base64(oldPassword),
            NewPassword = Base64(newPassword),
        };
        await SendAsync(Service.UpdateCredentialAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string>> ListUsernames(CancellationToken cancellationToken = default)
    {
        Proto.ListCredUsersResponse answer = await SendAsync(
            Service.ListCredUsersAsync, new Proto.ListCredUsersRequest(), static a => a.Status, cancellationToken)
            .ConfigureAwait(false);
        return answer.Usernames;
    }

    public async Task CreateRoleAsync(string roleName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(roleName);
        Proto.CreateRoleRequest request = new() { Entity = new Proto.RoleEntity { Name = roleName } };
        await SendAsync(Service.CreateRoleAsync, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task DropRoleAsync(string roleName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(roleName);
        await SendAsync(Service.DropRoleAsync, new Proto.DropRoleRequest { RoleName = roleName }, cancellationToken)
            .ConfigureAwait(false);
    }

    public Task AddUserToRoleAsync(string username, string roleName, CancellationToken cancellationToken = default)
        => OperateUserRoleAsync(username, roleName, Proto.OperateUserRoleType.AddUserToRole, cancellationToken);

    public Task RemoveUserFromRoleAsync(string username, string roleName, CancellationToken cancellationToken = default)
        => OperateUserRoleAsync(username, roleName, Proto.OperateUserRoleType.RemoveUserFromRole, cancellationToken);

    public async Task<RoleResult?> SelectRoleAsync(
        string roleName, bool includeUserInfo = true, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(roleName);
        return (await SelectRolesAsync(roleName, includeUserInfo, cancellationToken).ConfigureAwait(false))
            .SingleOrDefault();
    }

    public Task<IReadOnlyList<RoleResult>> SelectAllRolesAsync(
        bool includeUserInfo = true, CancellationToken cancellationToken = default)
        => SelectRolesAsync(roleName: null, includeUserInfo, cancellationToken);

    public async Task<UserResult?> SelectUserAsync(
        string username, bool includeRoleInfo = true, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(username);
        return (await SelectUsersAsync(username, includeRoleInfo, cancellationToken).ConfigureAwait(false))
            .SingleOrDefault();
    }

    public Task<IReadOnlyList<UserResult>> SelectAllUsersAsync(
        bool includeRoleInfo = true, CancellationToken cancellationToken = default)
        => SelectUsersAsync(username: null, includeRoleInfo, cancellationToken);

    public Task GrantRolePrivilegeAsync(
        string roleName,
        string @object,
        string objectName,
        string privilege,
        CancellationToken cancellationToken = default)
        => OperatePrivilegeAsync(
            roleName, @object, objectName, privilege, Proto.OperatePrivilegeType.Grant, cancellationToken);

    public Task RevokeRolePrivilegeAsync(
        string roleName,
        string @object,
        string objectName,
        string privilege,
        CancellationToken cancellationToken = default)
        => OperatePrivilegeAsync(
            roleName, @object, objectName, privilege, Proto.OperatePrivilegeType.Revoke, cancellationToken);

    public Task<IReadOnlyList<GrantEntity>> ListGrantsForRoleAsync(
        string roleName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(roleName);
        return SelectGrantsAsync(
            new Proto.GrantEntity { Role = new Proto.RoleEntity { Name = roleName } }, cancellationToken);
    }

    public Task<IReadOnlyList<GrantEntity>> SelectGrantForRoleAndObjectAsync(
        string roleName, string @object, string objectName, CancellationToken cancellationToken = default)
    {
        Arguments.NotBlank(roleName);
        Arguments.NotBlank(@object);
        Arguments.NotBlank(objectName);
        return SelectGrantsAsync(
            new Proto.GrantEntity
            {
                Role = new Proto.RoleEntity { Name = roleName },
                Object = new Proto.ObjectEntity { Name = @object },
                ObjectName = objectName,
            },
            cancellationToken);
    }

    private async Task OperateUserRoleAsync(
        string username, string roleName, Proto.OperateUserRoleType type, CancellationToken cancellationToken)
    {
        Arguments.NotBlank(username);
        Arguments.NotBlank(roleName);
        Proto.OperateUserRoleRequest request = new() { Username = username, RoleName = roleName, Type = type };
        await SendAsync(Service.OperateUserRoleAsync, request, cancellationToken).ConfigureAwait(false);
    }

    private async Task OperatePrivilegeAsync(
        string roleName,
        string @object,
        string objectName,
        string privilege,
        Proto.OperatePrivilegeType type,
        CancellationToken cancellationToken)
    {
        Arguments.NotBlank(roleName);
        Arguments.NotBlank(@object);
        Arguments.NotBlank(objectName);
        Arguments.NotBlank(privilege);
        Proto.OperatePrivilegeRequest request = new()
        {
            Type = type,
            Entity = new Proto.GrantEntity
            {
                Role = new Proto.RoleEntity { Name = roleName },
                Object = new Proto.ObjectEntity { Name = @object },
                ObjectName = objectName,
                Grantor = new Proto.GrantorEntity { Privilege = new Proto.PrivilegeEntity { Name = privilege } },
            },
        };
        await SendAsync(Service.OperatePrivilegeAsync, request, cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<RoleResult>> SelectRolesAsync(
        string? roleName, bool includeUserInfo, CancellationToken cancellationToken)
    {
        Proto.SelectRoleRequest request = new() { IncludeUserInfo = includeUserInfo };
        if (roleName is not null)
        {
            request.Role = new Proto.RoleEntity { Name = roleName };
        }

        Proto.SelectRoleResponse answer = await SendAsync(
            Service.SelectRoleAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.Results
            .Select(static r => new RoleResult(r.Role.Name, r.Users.Select(static u => u.Name).ToList()))
            .ToList();
    }

    private async Task<IReadOnlyList<UserResult>> SelectUsersAsync(
        string? username, bool includeRoleInfo, CancellationToken cancellationToken)
    {
        Proto.SelectUserRequest request = new() { IncludeRoleInfo = includeRoleInfo };
        if (username is not null)
        {
            request.User = new Proto.UserEntity { Name = username };
        }

        Proto.SelectUserResponse answer = await SendAsync(
            Service.SelectUserAsync, request, static a => a.Status, cancellationToken).ConfigureAwait(false);
        return answer.Results
            .Select(static r => new UserResult(r.User.Name, r.Roles.Select(static role => role.Name).ToList()))
            .ToList();
    }

    private async Task<IReadOnlyList<GrantEntity>> SelectGrantsAsync(
        Proto.GrantEntity entity, CancellationToken cancellationToken)
    {
        Proto.SelectGrantResponse answer = await SendAsync(
            Service.SelectGrantAsync,
            new Proto.SelectGrantRequest { Entity = entity },
            static a => a.Status,
            cancellationToken).ConfigureAwait(false);
        return answer.Entities
            .Select(static e => new GrantEntity(
                new MilvusGrantorEntity(e.Grantor.Privilege.Name, e.Grantor.User.Name),
                e.DbName,
                e.Object.Name,
                e.Role.Name,
                e.ObjectName))
            .ToList();
    }
}
